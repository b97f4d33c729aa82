import { makeAttribute, makeNode } from '../ir/graph.js';
import type { Model, Node, Tensor, ValueInfo } from '../ir/model.js';
import { elementCount, floatTensor, makeTensor } from '../ir/tensor.js';

/** A chain of equal layers, small enough to be timed in milliseconds, in float32 and in uint8 × int8. */
export interface Probe {
  id: ProbeId;
  /** Of the input; a convolution's is NCHW. Channels stay the same along a chain. */
  dims: number[];
  /** Layers of a short and of a long chain: their difference is the layers' own time, the rest a call's. */
  depths: readonly [number, number];
  layer:
    | { op: 'Conv'; kernel: number; group?: number }
    | { op: 'MatMul' }
    | { op: 'Add' }
    | { op: 'Abs' }
    | { op: 'Sigmoid' };
  /** What has Q/DQ pairs in the integer chain: all, or weights only, which are then decoded in every run. */
  codes?: 'weights';
}

export type ProbeId =
  | 'convolution'
  | 'pointwise'
  | 'narrow'
  | 'wide'
  | 'depthwise'
  | 'decoded'
  | 'product'
  | 'row'
  | 'decodedRow'
  | 'element'
  | 'table'
  | 'tiny';

export const PROBES: readonly Probe[] = [
  { id: 'convolution', dims: [1, 64, 28, 28], depths: [1, 3], layer: { op: 'Conv', kernel: 3 } },
  { id: 'pointwise', dims: [1, 128, 28, 28], depths: [1, 5], layer: { op: 'Conv', kernel: 1 } },
  { id: 'narrow', dims: [1, 8, 56, 56], depths: [1, 5], layer: { op: 'Conv', kernel: 5 } },
  { id: 'wide', dims: [1, 16, 56, 56], depths: [1, 5], layer: { op: 'Conv', kernel: 3 } },
  { id: 'depthwise', dims: [1, 256, 14, 14], depths: [1, 9], layer: { op: 'Conv', kernel: 3, group: 256 } },
  {
    id: 'decoded',
    dims: [1, 16, 56, 56],
    depths: [1, 5],
    layer: { op: 'Conv', kernel: 3 },
    codes: 'weights',
  },
  { id: 'product', dims: [64, 512], depths: [1, 5], layer: { op: 'MatMul' } },
  { id: 'row', dims: [1, 1024], depths: [1, 5], layer: { op: 'MatMul' } },
  { id: 'decodedRow', dims: [256, 256], depths: [1, 5], layer: { op: 'Add' }, codes: 'weights' },
  { id: 'element', dims: [1, 64, 56, 56], depths: [1, 5], layer: { op: 'Abs' } },
  { id: 'table', dims: [1, 64, 28, 28], depths: [1, 9], layer: { op: 'Sigmoid' } },
  { id: 'tiny', dims: [1, 16, 2, 2], depths: [1, 65], layer: { op: 'Conv', kernel: 1 } },
];

/** Multiply-accumulates of one layer. */
export function layerMacs({ dims, layer }: Probe): number {
  const count = elementCount(dims);
  if (layer.op === 'MatMul') return count * dims[1];
  return layer.op === 'Conv' ? (count * layer.kernel ** 2 * dims[1]) / (layer.group ?? 1) : 0;
}

/** The chain as a model: plain, or with Q/DQ pairs that onnxruntime turns into integer kernels. */
export function probeModel(probe: Probe, depth: number, integer: boolean): Model {
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const constant = (tensor: Tensor): string => {
    initializers.push(tensor);
    return tensor.name!;
  };
  const scale = constant(floatTensor('scale', [], [0.02]));
  const zero = constant(makeTensor('zero', 'uint8', [], new Uint8Array([128])));
  const rounded = (x: string): string => {
    if (!integer || probe.codes === 'weights') return x;
    nodes.push(makeNode('QuantizeLinear', [x, scale, zero], [`${x}_q`]));
    nodes.push(makeNode('DequantizeLinear', [`${x}_q`, scale, zero], [`${x}_dq`]));
    return `${x}_dq`;
  };
  let x = rounded('x');
  for (let i = 0; i < depth; i++) {
    const inputs = [x, ...weight(probe, i, integer, constant, nodes)];
    nodes.push(makeNode(probe.layer.op, inputs, [`y${i}`], attributes(probe)));
    x = rounded(`y${i}`);
  }
  return model(probe, nodes, initializers, x);
}

function weight(
  { dims, layer }: Probe,
  index: number,
  integer: boolean,
  constant: (tensor: Tensor) => string,
  nodes: Node[],
): string[] {
  if (layer.op === 'Abs' || layer.op === 'Sigmoid') return [];
  const channels = dims[1];
  const shape =
    layer.op === 'Conv'
      ? [channels, channels / (layer.group ?? 1), layer.kernel, layer.kernel]
      : [channels, channels];
  const count = elementCount(shape);
  if (!integer) {
    // Small values of both signs, so that no layer of the chain overflows or becomes denormal.
    const values = Float32Array.from({ length: count }, (_, i) => ((i % 7) - 3) / (2 * count ** 0.5));
    return [constant(floatTensor(`w${index}`, shape, values))];
  }
  const codes = Int8Array.from({ length: count }, (_, i) => (i % 7) - 3);
  const name = constant(makeTensor(`w${index}`, 'int8', shape, codes));
  const each = new Array<number>(channels).fill(0.01);
  const scale = constant(floatTensor(`w${index}_scale`, [channels], each));
  const zero = constant(makeTensor(`w${index}_zero`, 'int8', [channels], new Int8Array(channels)));
  const axis = makeAttribute.int('axis', layer.op === 'Conv' ? 0 : 1);
  nodes.push(makeNode('DequantizeLinear', [name, scale, zero], [`${name}_dq`], [axis]));
  return [`${name}_dq`];
}

function attributes({ layer }: Probe): Node['attributes'] {
  if (layer.op !== 'Conv') return [];
  const pad = (layer.kernel - 1) >> 1;
  return [
    makeAttribute.ints('kernel_shape', [layer.kernel, layer.kernel]),
    makeAttribute.ints('pads', [pad, pad, pad, pad]),
    makeAttribute.int('group', layer.group ?? 1),
  ];
}

function model({ id, dims }: Probe, nodes: Node[], initializers: Tensor[], output: string): Model {
  const float = 1;
  const value = (name: string): ValueInfo => ({
    name,
    type: { tensor: { elemType: float, shape: { dims: dims.map((d) => ({ value: d })) } } },
  });
  return {
    irVersion: 8,
    opsetImports: [{ domain: '', version: 17 }],
    graph: {
      name: id,
      nodes,
      inputs: [value('x')],
      outputs: [value(output)],
      valueInfo: [],
      initializers,
      sparseInitializers: [],
    },
    metadata: [],
    functions: [],
  };
}
