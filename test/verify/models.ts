import type { Sample, SampleSource } from '../../src/data/types.js';
import { type Dtype, dtypeNumber } from '../../src/ir/dtypes.js';
import { makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor, ValueInfo } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';

export const value = (name: string, dims: number[], dtype: Dtype = 'float32'): ValueInfo => ({
  name,
  type: { tensor: { elemType: dtypeNumber(dtype), shape: { dims: dims.map((d) => ({ value: d })) } } },
});

export const makeModel = (
  nodes: Node[],
  inputs: ValueInfo[],
  outputs: ValueInfo[],
  initializers: Tensor[] = [],
): Model => ({
  irVersion: 8,
  opsetImports: [{ domain: '', version: 17 }],
  metadata: [],
  functions: [],
  graph: { name: 'test', nodes, inputs, outputs, valueInfo: [], initializers, sparseInitializers: [] },
});

/** h = x·W, y = h + bias on [1, size] with W = gain·identity: class scores that are easy to steer. */
export function scores(bias: number[], gain = 1): Model {
  const size = bias.length;
  const weight = new Float32Array(size * size);
  for (let i = 0; i < size; i++) weight[i * size + i] = gain;
  return makeModel(
    [makeNode('MatMul', ['x', 'w'], ['h']), makeNode('Add', ['h', 'b'], ['y'])],
    [value('x', [1, size])],
    [value('y', [1, size])],
    [floatTensor('w', [size, size], [...weight]), floatTensor('b', [size], bias)],
  );
}

/** A source over float32 rows, one sample a row. */
export function rows(data: number[][], kind: SampleSource['kind'] = 'real'): SampleSource {
  return {
    description: `${data.length} rows`,
    kind,
    count: data.length,
    async *samples(): AsyncIterable<Sample> {
      for (const [index, row] of data.entries())
        yield {
          id: `row ${index}`,
          index,
          feeds: { x: { dtype: 'float32', dims: [1, row.length], data: Float32Array.from(row) } },
        };
    },
  };
}
