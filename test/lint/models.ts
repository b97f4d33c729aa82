import type { Dtype } from '../../src/ir/dtypes.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../src/ir/model.js';
import { elementCount, floatTensor, makeTensor } from '../../src/ir/tensor.js';
import { model, value } from '../prepare/helpers.js';

/** Scale and zero point of every pair. */
const S = 0.05;

/** Collects nodes and constants of a Q/DQ model. */
export class Sketch {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];

  constructor(readonly dtype: Dtype = 'int8') {}

  op(opType: string, inputs: string[], output: string, attributes = [] as Node['attributes']): string {
    this.nodes.push(makeNode(opType, inputs, [output], attributes, { name: output }));
    return output;
  }

  constant(tensor: Tensor): string {
    this.initializers.push(tensor);
    return tensor.name!;
  }

  /** x → Q → DQ; the nodes are called x_q and x_dq. */
  pair(x: string, scale = S): string {
    const grid = [
      this.constant(floatTensor(`${x}_scale`, [], [scale])),
      this.constant(makeTensor(`${x}_zero`, this.dtype, [], new Uint8Array(1))),
    ];
    this.op('QuantizeLinear', [x, ...grid], `${x}_q`);
    return this.op('DequantizeLinear', [`${x}_q`, ...grid], `${x}_dq`);
  }

  /** Codes of 1 with a scale a channel, behind w_dq. */
  weight(w: string, dims: number[], axis = 0): string {
    const size = elementCount(dims);
    const codes = new Uint8Array(size).fill(1);
    const scales = new Float32Array(dims[axis]).fill(S);
    this.constant(makeTensor(w, this.dtype, dims, codes));
    this.constant(floatTensor(`${w}_scale`, [dims[axis]], scales));
    this.constant(makeTensor(`${w}_zero`, this.dtype, [dims[axis]], new Uint8Array(dims[axis])));
    return this.op('DequantizeLinear', [w, `${w}_scale`, `${w}_zero`], `${w}_dq`, [
      makeAttribute.int('axis', axis),
    ]);
  }

  build(inputs: Record<string, number[]>, outputs: string[], opset = 21): Model {
    return model(
      {
        nodes: this.nodes,
        initializers: this.initializers,
        inputs: Object.entries(inputs).map(([name, dims]) => value(name, dims)),
        outputs: outputs.map((name) => value(name, undefined)),
      },
      { opset, irVersion: 10 },
    );
  }
}

const PADS = [makeAttribute.ints('pads', [1, 1, 1, 1])];

/** Two convolutions with a residual sum, two branches that are joined, and a Gemm: nothing is wrong with it. */
export function residual(dtype: Dtype = 'int8'): Model {
  const s = new Sketch(dtype);
  const bias = s.constant(floatTensor('b', [32], new Float32Array(32)));
  s.op('Conv', [s.pair('x'), s.weight('w1', [32, 32, 3, 3]), bias], 'c1', PADS);
  s.op('Relu', ['c1'], 'r1');
  s.op('Conv', [s.pair('r1'), s.weight('w2', [32, 32, 3, 3])], 'c2', PADS);
  s.op('Add', ['c2', 'r1_dq'], 'a');
  s.op('MaxPool', [s.pair('a')], 'm', [makeAttribute.ints('kernel_shape', [1, 1])]);
  s.op('Concat', ['a_dq', 'r1_dq'], 'j', [makeAttribute.int('axis', 1)]);
  s.op('Conv', ['m', s.weight('w3', [32, 32, 1, 1])], 'c3');
  s.op('GlobalAveragePool', ['c3'], 'p');
  s.op('Flatten', ['p'], 'f');
  s.op('Gemm', [s.pair('f'), s.weight('g', [32, 16], 1)], 'y');
  return s.build({ x: [1, 32, 8, 8] }, ['y', 'j']);
}

/** One head of attention in FP8 as TensorRT fuses it. */
export function attention(): Model {
  const s = new Sketch('float8e4m3fn');
  const factor = s.constant(floatTensor('factor', [], [0.125]));
  s.op('Mul', ['q', factor], 'scaled');
  s.op('Transpose', ['k'], 'kt', [makeAttribute.ints('perm', [0, 2, 1])]);
  s.op('MatMul', [s.pair('scaled'), s.pair('kt')], 'scores');
  s.op('Softmax', ['scores'], 'soft');
  s.op('MatMul', [s.pair('soft', 1 / 448), s.pair('v')], 'y');
  const head = [1, 32, 64];
  return s.build({ q: head, k: head, v: head }, ['y']);
}

/** A product with 4-bit weights in blocks of 64. */
export function fourBits(): Model {
  const s = new Sketch();
  s.constant(makeTensor('w', 'int4', [128, 32], new Uint8Array(2048)));
  s.constant(floatTensor('w_scale', [2, 32], new Float32Array(64).fill(S)));
  s.op('DequantizeLinear', ['w', 'w_scale'], 'w_dq', [
    makeAttribute.int('axis', 0),
    makeAttribute.int('block_size', 64),
  ]);
  s.op('MatMul', ['x', 'w_dq'], 'y');
  return s.build({ x: [4, 128] }, ['y']);
}

export const node = (m: Model, name: string): Node => m.graph.nodes.find((n) => n.name === name)!;
export const tensor = (m: Model, name: string): Tensor => m.graph.initializers.find((t) => t.name === name)!;

/** Stores another tensor under the name of a constant. */
export function store(m: Model, name: string, dtype: Dtype, dims: number[], bytes: ArrayBufferView): void {
  const at = m.graph.initializers.findIndex((t) => t.name === name);
  m.graph.initializers[at] = makeTensor(name, dtype, dims, bytes);
}

/** Puts a node behind another. */
export function insert(m: Model, behind: string, made: Node): void {
  m.graph.nodes.splice(m.graph.nodes.indexOf(node(m, behind)) + 1, 0, made);
}
