import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Attribute } from '../../src/ir/model.js';
import { floatTensor, int64Tensor } from '../../src/ir/tensor.js';
import type { Case } from './check.js';

const { int, ints, float, string } = makeAttribute;
type Inputs = Record<string, number[]>;

/** One node that reads all inputs in order. onnxruntime has the operators of `single` in float32 only. */
const one = (op: string, inputs: Inputs, attributes: Attribute[] = [], more: Partial<Case> = {}): Case => ({
  nodes: [
    makeNode(op, [...Object.keys(inputs), ...(more.constants ?? []).map((t) => t.name!)], ['y'], attributes),
  ],
  inputs,
  ...more,
});
const single = (op: string, inputs: Inputs, attributes: Attribute[] = [], more: Partial<Case> = {}): Case =>
  one(op, inputs, attributes, { real: 'float32', ...more });

const X = { x: [2, 3, 4] };
/** Away from where slopes jump, by more than a difference reaches. */
const away = (u: number) => u + 0.05 * Math.sign(u);
const positive = (u: number) => 1.2 + u;
/** Distinct by more than a difference reaches, so that the largest stays the largest. */
const ranked = () => {
  let i = 0;
  return () => ((i++ * 37) % 101) / 25 - 2;
};
const constants = (...values: [string, number[]][]) =>
  values.map(([name, list]) => int64Tensor(name, [list.length], list));

const conv = (x: number[], w: number[], attributes: Attribute[] = [], bias = false): Case =>
  single('Conv', { x, w, ...(bias && { b: [w[0]] }) }, attributes);
const strides = (...s: number[]) => ints('strides', s);
const pads = (...p: number[]) => ints('pads', p);
const group = (g: number) => int('group', g);

export const CASES: Record<string, Case> = {
  ...Object.fromEntries(
    ['Neg', 'Abs', 'Relu', 'Exp', 'Sigmoid', 'Tanh', 'Sin', 'Cos', 'Identity'].map((op) => [
      op,
      one(op, X, [], { draw: away }),
    ]),
  ),
  ...Object.fromEntries(['Log', 'Sqrt', 'Reciprocal'].map((op) => [op, one(op, X, [], { draw: positive })])),
  Erf: single('Erf', X),
  Softplus: single('Softplus', X),
  LeakyRelu: single('LeakyRelu', X, [float('alpha', 0.2)], { draw: away }),
  Elu: single('Elu', X, [float('alpha', 0.7)], { draw: away }),
  'Gelu exact': single('Gelu', X),
  'Gelu tanh': single('Gelu', X, [string('approximate', 'tanh')]),
  HardSwish: single('HardSwish', X, [], { draw: (u) => 4.4 * u }),
  HardSigmoid: single('HardSigmoid', X, [float('alpha', 0.25), float('beta', 0.45)], { draw: (u) => 3 * u }),
  'Add broadcast': one('Add', { a: [2, 3, 4], c: [3, 1] }),
  'Sub broadcast': one('Sub', { a: [1, 4], c: [2, 3, 4] }),
  'Mul broadcast': one('Mul', { a: [2, 3, 4], c: [1, 3, 1] }),
  'Div broadcast': one('Div', { a: [2, 3, 4], c: [4] }, [], {
    draw: (u, name) => (name === 'c' ? positive(u) : u),
  }),
  Sum: one('Sum', { a: [2, 3], c: [3], e: [2, 1] }),
  Mean: single('Mean', { a: [2, 3], c: [3] }),
  Max: one('Max', { a: [2, 5], c: [5] }, [], { draw: ranked() }),
  Min: one('Min', { a: [2, 5], c: [5] }, [], { draw: ranked() }),
  'Pow of 2': one('Pow', X, [], { constants: [floatTensor('e', [], [2])] }),
  'Pow of several': one('Pow', X, [], {
    draw: positive,
    constants: [floatTensor('e', [4], [3, 0.5, -1, 2.5])],
  }),
  Clip: single('Clip', X, [], {
    draw: (u) => Math.round(5 * u) / 5 + 0.1,
    constants: [floatTensor('lo', [], [-0.4]), floatTensor('hi', [], [0.6])],
  }),
  PRelu: single('PRelu', { x: [2, 3, 4], s: [3, 1] }, [], { draw: away }),
  Where: {
    nodes: [makeNode('Greater', ['k', 'zero'], ['m']), makeNode('Where', ['m', 'a', 'c'], ['y'])],
    inputs: { a: [2, 3], c: [3] },
    constants: [floatTensor('k', [2, 3], [1, -1, 1, -1, 1, 1]), floatTensor('zero', [], [0])],
  },
  MatMul: one('MatMul', { a: [3, 4], c: [4, 2] }),
  'MatMul batched': one('MatMul', { a: [2, 2, 3, 4], c: [2, 2, 4, 2] }),
  'MatMul broadcast left': one('MatMul', { a: [3, 4], c: [2, 4, 2] }),
  'MatMul broadcast right': one('MatMul', { a: [2, 2, 3, 4], c: [2, 4, 3] }),
  'MatMul by a matrix': one('MatMul', { a: [2, 3, 4], c: [4, 2] }),
  'MatMul by a vector': one('MatMul', { a: [2, 3, 4], c: [4] }),
  'MatMul of a vector': one('MatMul', { a: [4], c: [2, 4, 3] }),
  Gemm: one('Gemm', { a: [3, 4], c: [4, 2], e: [2] }, [float('alpha', 0.5), float('beta', 2)]),
  'Gemm transB': one('Gemm', { a: [3, 4], c: [2, 4], e: [3, 1] }, [int('transB', 1)]),
  'Gemm transA': one('Gemm', { a: [4, 3], c: [4, 2] }, [int('transA', 1)]),
  'Gemm both': one('Gemm', { a: [4, 3], c: [2, 4], e: [1] }, [int('transA', 1), int('transB', 1)]),
  'Conv 3×3': conv([2, 2, 5, 5], [3, 2, 3, 3], [pads(1, 1, 1, 1)], true),
  'Conv by taps': conv([1, 16, 4, 3], [2, 16, 3, 3], [pads(1, 1, 1, 1)]),
  'Conv by taps, stride 2': conv([1, 16, 5, 4], [1, 16, 3, 2], [pads(1, 0, 1, 0), strides(2, 2)]),
  'Conv stride 2, odd': conv([1, 2, 7, 5], [2, 2, 3, 3], [pads(1, 1, 1, 1), strides(2, 2)]),
  'Conv stride 2, even': conv([1, 2, 6, 6], [2, 2, 3, 3], [pads(1, 1, 1, 1), strides(2, 2)]),
  'Conv stride 3': conv([1, 1, 8, 8], [2, 1, 2, 2], [strides(3, 3)]),
  'Conv dilation 2': conv([1, 2, 7, 7], [2, 2, 3, 3], [ints('dilations', [2, 2]), pads(2, 2, 2, 2)]),
  'Conv 5×5': conv([1, 1, 6, 6], [2, 1, 5, 5], [pads(2, 2, 2, 2)]),
  'Conv 1×1': conv([2, 3, 3, 3], [4, 3, 1, 1], [], true),
  'Conv 1×1 stride 2': conv([1, 3, 5, 5], [2, 3, 1, 1], [strides(2, 2)]),
  'Conv 1×1 padded': conv([1, 2, 3, 3], [2, 2, 1, 1], [pads(1, 1, 1, 1)]),
  'Conv 1×1, few positions': conv([2, 6, 1, 2], [5, 6, 1, 1]),
  'Conv grouped': conv([2, 4, 4, 4], [6, 2, 3, 3], [pads(1, 1, 1, 1), group(2)]),
  'Conv depthwise': conv([2, 3, 4, 4], [3, 1, 3, 3], [pads(1, 1, 1, 1), group(3)]),
  'Conv depthwise, wide': conv([1, 2, 2, 32], [2, 1, 3, 3], [pads(1, 1, 1, 1), group(2)]),
  'Conv depthwise stride 2, wide': conv(
    [1, 2, 4, 32],
    [2, 1, 3, 3],
    [pads(1, 1, 1, 1), group(2), strides(2, 2)],
  ),
  'Conv depthwise stride 2': conv([1, 3, 6, 6], [3, 1, 3, 3], [pads(1, 1, 1, 1), group(3), strides(2, 2)]),
  'Conv depthwise, twice as many': conv([1, 2, 4, 4], [4, 1, 3, 3], [pads(1, 1, 1, 1), group(2)]),
  'Conv same upper': conv([1, 1, 6, 6], [1, 1, 3, 3], [string('auto_pad', 'SAME_UPPER'), strides(2, 2)]),
  'Conv same lower': conv([1, 1, 6, 6], [1, 1, 2, 2], [string('auto_pad', 'SAME_LOWER')]),
  'Conv valid': conv([1, 1, 5, 5], [1, 1, 3, 3], [string('auto_pad', 'VALID')]),
  'Conv 1-D': conv([2, 2, 7], [3, 2, 3], [pads(1, 1), strides(2)]),
  'Conv 3-D': conv([1, 1, 3, 3, 3], [2, 1, 2, 2, 2], []),
  'Conv uneven pads': conv([1, 1, 5, 5], [2, 1, 3, 3], [pads(0, 1, 2, 0)]),
  'Conv padded by more than it spans': conv([1, 1, 3, 3], [1, 1, 2, 2], [pads(2, 2, 2, 2)]),
  ConvTranspose: single('ConvTranspose', { x: [1, 2, 3, 3], w: [2, 3, 3, 3], b: [3] }, [pads(1, 1, 1, 1)]),
  'ConvTranspose stride 2': single('ConvTranspose', { x: [1, 2, 3, 3], w: [2, 2, 3, 3] }, [
    strides(2, 2),
    pads(1, 1, 1, 1),
    ints('output_padding', [1, 1]),
  ]),
  'ConvTranspose with more at the end': single('ConvTranspose', { x: [1, 1, 2, 2], w: [1, 2, 2, 2] }, [
    strides(2, 2),
    ints('output_padding', [1, 1]),
  ]),
  'ConvTranspose grouped': single('ConvTranspose', { x: [1, 4, 3, 3], w: [4, 1, 2, 2] }, [
    strides(2, 2),
    group(2),
  ]),
  MaxPool: single('MaxPool', { x: [1, 2, 4, 4] }, [ints('kernel_shape', [2, 2]), strides(2, 2)], {
    draw: ranked(),
  }),
  'MaxPool overlapping, padded': single(
    'MaxPool',
    { x: [2, 1, 5, 5] },
    [ints('kernel_shape', [3, 3]), strides(2, 2), pads(1, 1, 1, 1)],
    { draw: ranked() },
  ),
  'MaxPool ceil': single(
    'MaxPool',
    { x: [1, 1, 5, 5] },
    [ints('kernel_shape', [2, 2]), strides(2, 2), int('ceil_mode', 1)],
    { draw: ranked() },
  ),
  AveragePool: single('AveragePool', { x: [1, 2, 4, 4] }, [ints('kernel_shape', [2, 2]), strides(2, 2)]),
  'AveragePool padded': single('AveragePool', { x: [1, 2, 5, 5] }, [
    ints('kernel_shape', [3, 3]),
    strides(2, 2),
    pads(1, 1, 1, 1),
  ]),
  'AveragePool padding counts': single('AveragePool', { x: [1, 2, 5, 5] }, [
    ints('kernel_shape', [3, 3]),
    strides(2, 2),
    pads(1, 1, 1, 1),
    int('count_include_pad', 1),
  ]),
  'AveragePool leaves a rest': single('AveragePool', { x: [1, 1, 6, 6] }, [
    ints('kernel_shape', [2, 2]),
    strides(3, 3),
  ]),
  'AveragePool ceil': single('AveragePool', { x: [1, 1, 5, 5] }, [
    ints('kernel_shape', [2, 2]),
    strides(2, 2),
    int('ceil_mode', 1),
  ]),
  GlobalAveragePool: single('GlobalAveragePool', { x: [2, 3, 3, 2] }),
  ReduceSum: one('ReduceSum', X, [], { constants: constants(['axes', [1]]) }),
  'ReduceSum all': one('ReduceSum', X, [int('keepdims', 0)]),
  'ReduceMean, axes gone': one('ReduceMean', X, [int('keepdims', 0)], {
    constants: constants(['axes', [-1, 0]]),
  }),
  ReduceSumSquare: one('ReduceSumSquare', X, [], { constants: constants(['axes', [1]]) }),
  ReduceL2: single('ReduceL2', X, [int('keepdims', 0)], { constants: constants(['axes', [2]]) }),
  Softmax: one('Softmax', X),
  'Softmax axis 1': one('Softmax', X, [int('axis', 1)]),
  LogSoftmax: one('LogSoftmax', X),
  LayerNormalization: one('LayerNormalization', { x: [2, 3, 5], w: [5], b: [5] }),
  'LayerNormalization over two axes': one('LayerNormalization', { x: [2, 3, 4], w: [3, 4] }, [
    int('axis', 1),
  ]),
  InstanceNormalization: single('InstanceNormalization', { x: [2, 2, 3, 3], w: [2], b: [2] }),
  BatchNormalization: {
    ...one('BatchNormalization', { x: [2, 3, 2], w: [3], b: [3] }),
    nodes: [makeNode('BatchNormalization', ['x', 'w', 'b', 'm', 'v'], ['y'])],
    constants: [floatTensor('m', [3], [0.1, -0.2, 0.3]), floatTensor('v', [3], [0.5, 1, 2])],
  },
  LpNormalization: one('LpNormalization', X, [int('axis', 1), int('p', 2)]),
  Reshape: one('Reshape', X, [], { constants: constants(['shape', [4, -1]]) }),
  Flatten: one('Flatten', X, [int('axis', 1)]),
  Squeeze: one('Squeeze', { x: [2, 1, 3] }, [], { constants: constants(['axes', [1]]) }),
  Unsqueeze: one('Unsqueeze', X, [], { constants: constants(['axes', [0]]) }),
  Transpose: one('Transpose', X, [ints('perm', [2, 0, 1])]),
  'Transpose reversed': one('Transpose', X),
  Concat: one('Concat', { a: [2, 3], c: [2, 1], e: [2, 2] }, [int('axis', -1)]),
  Split: {
    nodes: [
      makeNode('Split', ['x', 'sizes'], ['p', 'q', 'r'], [int('axis', 1)]),
      makeNode('Mul', ['p', 'r'], ['y']),
    ],
    inputs: { x: [2, 5] },
    constants: constants(['sizes', [2, 1, 2]]),
  },
  Slice: one('Slice', X, [], { constants: constants(['s', [1, -3]], ['e', [3, 4]], ['a', [1, 2]]) }),
  'Slice by steps': one('Slice', X, [], {
    constants: constants(['s', [-1, 0]], ['e', [-9, 4]], ['a', [1, 2]], ['t', [-2, 3]]),
  }),
  Pad: one('Pad', X, [], { constants: constants(['p', [0, 1, 2, 1, 0, 0]]) }),
  Expand: one('Expand', { x: [3, 1] }, [], { constants: constants(['shape', [2, 3, 4]]) }),
  Gather: one('Gather', { x: [4, 3] }, [], { constants: [int64Tensor('i', [2, 2], [3, 0, 3, -2])] }),
  'Gather axis 1': one('Gather', { x: [2, 4, 3] }, [int('axis', 1)], {
    constants: [int64Tensor('i', [3], [1, 1, 2])],
  }),
  'Gather one': one('Gather', X, [int('axis', 1)], { constants: [int64Tensor('i', [], [2])] }),
  DepthToSpace: one('DepthToSpace', { x: [1, 8, 2, 3] }, [int('blocksize', 2)]),
  'DepthToSpace CRD': one('DepthToSpace', { x: [1, 8, 2, 3] }, [int('blocksize', 2), string('mode', 'CRD')]),
  SpaceToDepth: one('SpaceToDepth', { x: [1, 2, 4, 2] }, [int('blocksize', 2)]),
  'Resize nearest': {
    ...single('Resize', { x: [1, 2, 2, 3] }, [
      string('mode', 'nearest'),
      string('coordinate_transformation_mode', 'asymmetric'),
    ]),
    nodes: [
      makeNode(
        'Resize',
        ['x', '', 'scales'],
        ['y'],
        [
          string('mode', 'nearest'),
          string('coordinate_transformation_mode', 'asymmetric'),
          string('nearest_mode', 'floor'),
        ],
      ),
    ],
    constants: [floatTensor('scales', [4], [1, 1, 2, 3])],
  },
  'a value that is read twice': {
    nodes: [
      makeNode('Mul', ['x', 'x'], ['h']),
      makeNode('Tanh', ['h'], ['t']),
      makeNode('Add', ['h', 't'], ['y']),
    ],
    inputs: X,
  },
};
