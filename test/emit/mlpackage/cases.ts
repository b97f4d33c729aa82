import { elementCount } from '../../../src/ir/tensor.js';
import type { TensorValue } from '../../../src/runtime/types.js';
import { type Case as Built, codes, float, int64s, node, random, tensor } from '../../prepare/opset/build.js';

/** One small model an operator, run as ONNX and as the package read back. */
export type Case = Omit<Built, 'opset'> & {
  opset?: number;
  /** Bound on max|a − b| / max|a| in float16; default 4 · 2⁻¹⁰: a handful of roundings of half a unit each. */
  half?: number;
  ios?: 17 | 18;
};

const map = (seed = 0): TensorValue => shifted(random(1, 4, 6, 6), seed);
const shifted = (value: TensorValue, by: number): TensorValue => ({
  ...value,
  data: (value.data as Float32Array).map((v) => v + by),
});
const positive = (...dims: number[]): TensorValue => {
  const value = random(...dims);
  return { ...value, data: (value.data as Float32Array).map((v) => Math.abs(v) + 0.25) };
};
const within = (...dims: number[]): TensorValue => {
  const value = random(...dims);
  return { ...value, data: (value.data as Float32Array).map((v) => v / 3.2) };
};
const bools = (...dims: number[]): TensorValue =>
  tensor(
    dims,
    Array.from({ length: elementCount(dims) }, (_, i) => Number(i % 3 === 0)),
    'bool',
  );
const int32 = (dims: number[], ...values: number[]): TensorValue => tensor(dims, values, 'int32');

type Attributes = Parameters<typeof node>[3];

/** One node over `a` (and `b`, `c`), constants under their own names. */
const one = (
  op: string,
  inputs: Record<string, TensorValue>,
  attributes: Attributes = {},
  constants: Record<string, TensorValue> = {},
  more: Partial<Case> & { args?: string } = {},
): Case => {
  const { args, ...rest } = more;
  const named = args ?? [...Object.keys(inputs), ...Object.keys(constants)].join(' ');
  return { name: op, nodes: [node(op, named, 'y', attributes)], inputs, constants, ...rest };
};

const unary = (ops: string, input = map()): Case[] => ops.split(' ').map((op) => one(op, { a: input }));
const binary = (ops: string, a = map(), b = random(4, 1, 1), more: Partial<Case> = {}): Case[] =>
  ops.split(' ').map((op) => one(op, { a, b }, {}, {}, more));
const compare = (ops: string): Case[] =>
  ops
    .split(' ')
    .map((op) =>
      one(op, { a: int32([4], 1, 2, 3, 4), b: int32([4], 2, 2, 2, 2) }, {}, {}, { types: { y: 'bool' } }),
    );
const reduced = (ops: string, input = map()): Case[] =>
  ops.split(' ').map((op) => one(op, { a: input }, { keepdims: 0 }, { axes: int64s(2, -1) }, { opset: 18 }));

const scale = (value: number) => tensor([], [value]);
const zero = (value: number, dtype: 'int8' | 'uint8' = 'uint8') => tensor([], [value], dtype);

const QUANTIZED: Case[] = [
  {
    name: 'Q/DQ around a convolution',
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('DequantizeLinear', 'q s z', 'x'),
      node('DequantizeLinear', 'w ws wz', 'wd', { axis: 0 }),
      node('DequantizeLinear', 'b bs', 'bd', { axis: 0 }),
      node('Conv', 'x wd bd', 'c', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c', 'r'),
      node('QuantizeLinear', 'r s2 z2', 'q2'),
      node('DequantizeLinear', 'q2 s2 z2', 'y'),
    ],
    inputs: { a: map() },
    constants: {
      s: scale(0.0234375),
      z: zero(128),
      w: codes(2, 4, 3, 3),
      ws: tensor([2], [0.01171875, 0.0078125]),
      wz: tensor([2], [0, 0], 'int8'),
      b: int32([2], 400, -900),
      bs: tensor([2], [0.000274658203125, 0.00018310546875]),
      s2: scale(0.125),
      z2: zero(3),
    },
    // A sum that lands on the other side of a tie moves by one step, 1/8 of at most 32.
    half: 0.008,
  },
  {
    name: 'codes through what only moves them',
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('DequantizeLinear', 'q s z', 'x'),
      node('Transpose', 'x', 't', { perm: [0, 2, 3, 1] }),
      node('Reshape', 't shape', 'r'),
      node('Concat', 'r r', 'c', { axis: 1 }),
      node('QuantizeLinear', 'c s z', 'q2'),
      node('DequantizeLinear', 'q2 s z', 'y'),
    ],
    inputs: { a: map() },
    constants: { s: scale(0.03125), z: zero(-5, 'int8'), shape: int64s(1, 36, 4) },
    half: 0.012,
  },
];

const PRODUCTS: Case[] = [
  one(
    'Conv',
    { a: map() },
    { pads: [1, 0, 2, 1], strides: [2, 1], dilations: [1, 2] },
    { w: random(3, 4, 3, 2), b: random(3) },
    { name: 'Conv' },
  ),
  one(
    'Conv',
    { a: map() },
    { auto_pad: 'SAME_LOWER', strides: [2, 2], group: 4 },
    { w: random(8, 1, 3, 3) },
    { name: 'Conv, depthwise, SAME_LOWER' },
  ),
  one(
    'Conv',
    { a: random(1, 2, 9) },
    { pads: [1, 1] },
    { w: random(3, 2, 3) },
    { name: 'Conv of one dimension' },
  ),
  one(
    'ConvTranspose',
    { a: map() },
    { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    { w: random(4, 3, 3, 3), b: random(3) },
  ),
  one(
    'ConvTranspose',
    { a: map() },
    { strides: [2, 2], auto_pad: 'VALID', output_shape: [14, 14] },
    { w: random(4, 3, 3, 3), b: random(3) },
    { name: 'ConvTranspose beyond its kernel' },
  ),
  one(
    'Gemm',
    { a: random(3, 5) },
    { alpha: float(0.5), beta: float(2), transB: 1 },
    { w: random(4, 5), b: random(4) },
  ),
  one(
    'Gemm',
    { a: random(5, 3) },
    { transA: 1 },
    { w: random(5, 4), b: random(3, 4) },
    { name: 'Gemm with a matrix to add' },
  ),
  one('MatMul', { a: random(2, 7, 5) }, {}, { w: random(5, 3) }),
  one('MatMul', { a: random(1, 5) }, {}, { w: random(5, 3) }, { name: 'MatMul of one row' }),
  one('MatMul', { a: random(2, 3, 4, 5), b: random(2, 3, 5, 4) }, {}, {}, { name: 'MatMul of two values' }),
  {
    name: 'MatMul with a bias behind it',
    nodes: [node('MatMul', 'a w', 'm'), node('Add', 'm b', 'y')],
    inputs: { a: random(2, 7, 5) },
    constants: { w: random(5, 3), b: random(3) },
  },
  one('Einsum', { a: random(1, 2, 3, 4), b: random(1, 4, 3, 5) }, { equation: 'bihj,bjhu->bihu' }),
];

const LAYERS: Case[] = [
  one('MaxPool', { a: map() }, { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [0, 1, 0, 1] }),
  one('AveragePool', { a: map() }, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  one(
    'AveragePool',
    { a: map() },
    { kernel_shape: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
    {},
    { name: 'AveragePool that counts padding' },
  ),
  ...unary('GlobalAveragePool GlobalMaxPool'),
  one('BatchNormalization', { a: map() }, {}, { g: random(4), b: random(4), m: random(4), v: positive(4) }),
  one(
    'BatchNormalization',
    { a: random(3, 4) },
    {},
    { g: random(4), b: random(4), m: random(4), v: positive(4) },
    { name: 'BatchNormalization of a matrix' },
  ),
  one(
    'InstanceNormalization',
    { a: map() },
    { epsilon: float(0.001) },
    { g: random(4), b: random(4) },
    { half: 0.01 },
  ),
  one(
    'LayerNormalization',
    { a: random(2, 5, 8) },
    { axis: -1 },
    { g: random(8), b: random(8) },
    { opset: 17, half: 0.01 },
  ),
  one(
    'GroupNormalization',
    { a: map() },
    { num_groups: 2 },
    { g: random(4), b: random(4) },
    { opset: 21, half: 0.01 },
  ),
  one('LRN', { a: map() }, { size: 3, alpha: float(0.01), beta: float(0.75), bias: float(1) }),
  one('LpNormalization', { a: map() }, { axis: 1, p: 2 }),
];

const ACTIVATIONS: Case[] = [
  ...unary('Relu Sigmoid Tanh Softplus Softsign HardSigmoid LeakyRelu Elu ThresholdedRelu Selu'),
  ...unary('HardSwish Mish').map((c) => ({ ...c, opset: 18 })),
  one('Gelu', { a: map() }, { approximate: 'none' }, {}, { opset: 20 }),
  one('Gelu', { a: map() }, { approximate: 'tanh' }, {}, { opset: 20, name: 'Gelu by tanh' }),
  one('Clip', { a: map() }, {}, { low: scale(0), high: scale(6) }),
  one('Clip', { a: map() }, {}, { low: scale(-1) }, { name: 'Clip below' }),
  one('Clip', { a: map(), high: scale(0.5) }, {}, {}, { args: 'a _ high', name: 'Clip at a computed bound' }),
  one('PRelu', { a: map() }, {}, { slope: random(4, 1, 1) }),
  one('PRelu', { a: random(3, 4) }, {}, { slope: random(4) }, { name: 'PRelu of a matrix' }),
  one('Softmax', { a: random(2, 5, 8) }, { axis: -1 }),
  one('LogSoftmax', { a: random(2, 5, 8) }, { axis: 1 }),
];

const ELEMENTWISE: Case[] = [
  ...binary('Add Sub Mul Max Min'),
  ...binary('Div', map(), positive(4, 1, 1)),
  one(
    'Div',
    { a: int32([4], 7, -7, 7, -7), b: int32([4], 2, 2, -2, -2) },
    {},
    {},
    { types: { y: 'int32' }, name: 'Div of integers' },
  ),
  one('Mod', { a: int32([4], 7, -7, 7, -7), b: int32([4], 3, 3, 5, 5) }, {}, {}, { types: { y: 'int32' } }),
  one('Pow', { a: positive(2, 3) }, {}, { e: scale(2.5) }),
  one('Sum', { a: map(), b: random(4, 1, 1), c: random(1) }),
  one('Mean', { a: map(), b: random(4, 1, 1), c: random(1) }),
  ...unary('Abs Sign Floor Ceil Exp Sin Cos Neg Erf Sinh Cosh Reciprocal', within(2, 3, 4)),
  ...unary('Round Atan', random(2, 3, 4)),
  ...unary('Tan Asin Acos Atanh', within(2, 3)),
  ...unary('Sqrt Log', positive(2, 3)),
  {
    name: 'Log of powers that float16 takes for 0',
    nodes: [node('Mul', 'a a', 'p'), node('Add', 'p e', 's'), node('Log', 's', 'y')],
    inputs: { a: tensor([5], [1, 0.01, 1e-4, -1e-5, 1e-6]) },
    constants: { e: tensor([], [1e-10]) },
  },
  one('Cast', { a: bools(2, 3) }, { to: 1 }),
  one('Cast', { a: random(2, 3) }, { to: 6 }, {}, { types: { y: 'int32' }, name: 'Cast to integers' }),
  one('Where', { a: bools(2, 3), b: random(3), c: random(2, 1) }),
  ...compare('Equal Greater GreaterOrEqual Less LessOrEqual'),
  ...['And', 'Or', 'Xor'].map((op) =>
    one(op, { a: bools(2, 3), b: tensor([3], [1, 0, 1], 'bool') }, {}, {}, { types: { y: 'bool' } }),
  ),
  one('Not', { a: bools(2, 3) }, {}, {}, { types: { y: 'bool' } }),
];

const REDUCTIONS: Case[] = [
  ...reduced('ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare'),
  ...reduced('ReduceLogSum ReduceLogSumExp', positive(1, 4, 2, 2)),
  one('ReduceMean', { a: map() }, { keepdims: 0 }, {}, { opset: 18, name: 'ReduceMean of everything' }),
  one('ArgMax', { a: map() }, { axis: 1, keepdims: 0 }, {}, { types: { y: 'int64' } }),
  one('ArgMin', { a: map() }, { axis: -1 }, {}, { types: { y: 'int64' } }),
  {
    name: 'TopK',
    nodes: [node('TopK', 'a k', 'values ids', { axis: -1 })],
    inputs: { a: random(2, 9) },
    constants: { k: int64s(3) },
    types: { ids: 'int64' },
  },
  one('CumSum', { a: random(2, 5) }, { reverse: 1 }, { axis: tensor([], [1], 'int64') }),
];

const MOVEMENT: Case[] = [
  one('Reshape', { a: map() }, {}, { shape: int64s(0, -1, 9) }),
  one('Flatten', { a: map() }, { axis: 2 }),
  one('Transpose', { a: map() }, { perm: [0, 3, 1, 2] }),
  one('Squeeze', { a: random(1, 4, 1) }, {}, { axes: int64s(0, -1) }),
  one('Unsqueeze', { a: random(4) }, {}, { axes: int64s(0, 2) }),
  one('Concat', { a: map(), b: map(1) }, { axis: 1 }),
  {
    name: 'Split',
    nodes: [node('Split', 'a sizes', 'x y', { axis: 1 })],
    inputs: { a: map() },
    constants: { sizes: int64s(1, 3) },
  },
  one('Slice', { a: map() }, {}, { s: int64s(-1, 1), e: int64s(-100, 5), x: int64s(1, 3), p: int64s(-1, 2) }),
  one(
    'Slice',
    { a: map() },
    {},
    { s: int64s(1), e: int64s(2 ** 31 - 1), x: int64s(2) },
    { name: 'Slice to the end' },
  ),
  one('Pad', { a: map() }, {}, { p: int64s(0, 1, 2, 0, 0, 0, 1, 3), v: scale(0.5) }),
  one(
    'Pad',
    { a: map() },
    { mode: 'reflect' },
    { p: int64s(0, 0, 2, 1, 0, 0, 1, 3) },
    { name: 'Pad by reflection' },
  ),
  one(
    'Pad',
    { a: map() },
    { mode: 'edge' },
    { p: int64s(0, 0, 2, 1, 0, 0, 1, 3) },
    { name: 'Pad by the edge' },
  ),
  one('Expand', { a: random(4, 1) }, {}, { shape: int64s(2, 4, 3) }),
  one('Tile', { a: random(2, 3) }, {}, { reps: int64s(2, 2) }),
  one('DepthToSpace', { a: map() }, { blocksize: 2 }),
  one('DepthToSpace', { a: map() }, { blocksize: 2, mode: 'CRD' }, {}, { name: 'DepthToSpace by columns' }),
  one('SpaceToDepth', { a: map() }, { blocksize: 2 }),
  { name: 'Identity', nodes: [node('Identity', 'a', 'y')], inputs: { a: random(3) } },
  { name: 'Dropout', nodes: [node('Dropout', 'a', 'y')], inputs: { a: random(3) } },
  {
    name: 'Shape',
    nodes: [node('Shape', 'a', 'y')],
    inputs: { a: map() },
    types: { y: 'int64' },
  },
  one('Trilu', { a: random(2, 4, 4) }, { upper: 0 }),
];

const LOOKUPS: Case[] = [
  one('Gather', { a: random(5, 4) }, { axis: 0 }, { i: int64s(4, -5, 0) }),
  one(
    'Gather',
    { a: random(5, 4) },
    { axis: 1 },
    { i: tensor([], [-1], 'int64') },
    { name: 'Gather of one' },
  ),
  one(
    'Gather',
    { i: tensor([2, 2], [3, 0, -1, 1], 'int64') },
    { axis: 0 },
    { table: random(5, 4) },
    { args: 'table i', name: 'Gather by a value' },
  ),
  one(
    'GatherElements',
    { a: random(3, 3) },
    { axis: 1 },
    { i: tensor([3, 2], [0, 2, 1, -1, 0, 0], 'int64') },
  ),
  one('GatherND', { a: random(3, 4, 2) }, {}, { i: tensor([2, 2], [0, 1, 2, 3], 'int64') }),
  one(
    'ScatterElements',
    { a: random(3, 3), u: random(3, 2) },
    { axis: 1 },
    { i: tensor([3, 2], [1, 2, 0, 1, 2, 0], 'int64') },
    { args: 'a i u' },
  ),
  one(
    'ScatterND',
    { a: random(4, 2), u: random(2, 2) },
    {},
    { i: tensor([2, 1], [3, 0], 'int64') },
    { args: 'a i u' },
  ),
  one(
    'OneHot',
    { a: tensor([3], [1, 0, 4], 'int64') },
    { axis: -1 },
    { d: int64s(5), v: tensor([2], [-1, 2]) },
  ),
  one('ConstantOfShape', {}, {}, { shape: int64s(2, 3) }),
];

const RESIZED: Case[] = [
  ...['half_pixel', 'asymmetric', 'align_corners'].map((mode) =>
    one(
      'Resize',
      { a: map() },
      { mode: 'linear', coordinate_transformation_mode: mode },
      { sizes: int64s(1, 4, 11, 9) },
      { args: 'a _ _ sizes', name: `Resize, linear, ${mode}` },
    ),
  ),
  one(
    'Resize',
    { a: map() },
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    { scales: tensor([4], [1, 1, 2, 3]) },
    { args: 'a _ scales', name: 'Resize, nearest' },
  ),
  one(
    'Resize',
    { a: map() },
    { mode: 'nearest' },
    { scales: tensor([4], [1, 1, 3, 2]) },
    { args: 'a _ scales', name: 'Resize, nearest, half pixel' },
  ),
];

const gates = (
  op: 'LSTM' | 'GRU',
  direction: string,
  attributes: Attributes = {},
  more: Partial<Case> = {},
): Case => {
  const [d, n] = [direction === 'bidirectional' ? 2 : 1, op === 'LSTM' ? 4 : 3];
  const last = op === 'LSTM' ? 'y h c' : 'y h';
  return {
    name: `${op}, ${direction}`,
    nodes: [
      node(op, `a w r b _ h0${op === 'LSTM' ? ' c0' : ''}`, last, {
        hidden_size: 3,
        direction,
        ...attributes,
      }),
    ],
    inputs: { a: within(5, 2, 4), h0: within(d, 2, 3), ...(op === 'LSTM' && { c0: within(d, 2, 3) }) },
    constants: { w: within(d, n * 3, 4), r: within(d, n * 3, 3), b: within(d, 2 * n * 3) },
    ...more,
  };
};

const RECURRENT: Case[] = [
  ...['forward', 'reverse', 'bidirectional'].map((d) => gates('LSTM', d)),
  ...['forward', 'reverse'].map((d) => gates('GRU', d)),
  gates('GRU', 'forward', { linear_before_reset: 1 }, { name: 'GRU, reset behind the product', ios: 18 }),
];

export const CASES: readonly Case[] = [
  ...QUANTIZED,
  ...PRODUCTS,
  ...LAYERS,
  ...ACTIVATIONS,
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...MOVEMENT,
  ...LOOKUPS,
  ...RESIZED,
  ...RECURRENT,
];
