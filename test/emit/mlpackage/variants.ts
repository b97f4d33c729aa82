import type { TensorValue } from '../../../src/runtime/types.js';
import { float, int64s, node, random, tensor } from '../../prepare/opset/build.js';
import type { Case } from './cases.js';

type Attributes = Parameters<typeof node>[3];

/** One node; inputs are `a`, `b`, … and constants `k`, `l`, … in the order of `args`. */
const variant = (
  name: string,
  op: string,
  attributes: Attributes,
  inputs: Record<string, TensorValue>,
  constants: Record<string, TensorValue> = {},
  { args = '', ...more }: Partial<Case> & { args?: string } = {},
): Case => ({
  name: `${op}, ${name}`,
  nodes: [node(op, args || [...Object.keys(inputs), ...Object.keys(constants)].join(' '), 'y', attributes)],
  inputs,
  constants,
  ...more,
});

const map = random(1, 4, 6, 6);
const a = { a: map };
const row = { a: random(1, 4, 11) };
const volume = { a: random(1, 2, 4, 5, 6) };
const small = (...dims: number[]) => {
  const value = random(...dims);
  return { ...value, data: (value.data as Float32Array).map((v) => v / 4) };
};
const int32 = (dims: number[], ...values: number[]) => tensor(dims, values, 'int32');
const ties = tensor([8], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 0]);
const ids = { types: { y: 'int64' } } as const;

const WINDOWS: Case[] = [
  ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].flatMap((auto) => [
    variant(auto, 'MaxPool', { kernel_shape: [3, 2], strides: [2, 2], auto_pad: auto }, a),
    variant(auto, 'AveragePool', { kernel_shape: [3, 2], strides: [2, 2], auto_pad: auto }, a),
    variant(auto, 'Conv', { strides: [2, 1], auto_pad: auto }, a, { k: random(2, 4, 3, 2) }),
    variant(auto, 'ConvTranspose', { strides: [2, 2], auto_pad: auto }, a, { k: random(4, 2, 3, 3) }),
  ]),
  variant('one axis', 'MaxPool', { kernel_shape: [3], strides: [2], pads: [1, 1] }, row),
  variant('one axis', 'AveragePool', { kernel_shape: [3], strides: [2], pads: [1, 0] }, row),
  variant('three axes', 'MaxPool', { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }, volume),
  variant('three axes', 'AveragePool', { kernel_shape: [2, 2, 2], pads: [0, 1, 0, 0, 1, 0] }, volume),
  variant(
    'ceil_mode',
    'AveragePool',
    { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
    { a: random(1, 2, 8, 8) },
    {},
    { opset: 19 },
  ),
  variant(
    'ceil_mode, count_include_pad',
    'AveragePool',
    { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1, pads: [1, 1, 0, 0], count_include_pad: 1 },
    { a: random(1, 2, 8, 8) },
    {},
    { opset: 19 },
  ),
  variant('one axis', 'GlobalAveragePool', {}, row),
  variant('three axes', 'GlobalMaxPool', {}, volume),
  variant('three axes', 'Conv', { pads: [1, 0, 1, 1, 0, 1], strides: [1, 2, 1] }, volume, {
    k: random(3, 2, 2, 2, 3),
    l: random(3),
  }),
  variant('groups, dilated', 'Conv', { group: 2, dilations: [2, 2], pads: [2, 1, 0, 1] }, a, {
    k: random(4, 2, 2, 2),
  }),
  variant('groups', 'ConvTranspose', { group: 2, strides: [2, 1], pads: [1, 0, 0, 1] }, a, {
    k: random(4, 3, 3, 2),
    l: random(6),
  }),
  variant('dilated', 'ConvTranspose', { dilations: [2, 1], strides: [1, 2] }, a, { k: random(4, 2, 2, 3) }),
  variant(
    'one axis, output_padding',
    'ConvTranspose',
    { strides: [3], output_padding: [2], pads: [1, 1] },
    row,
    { k: random(4, 2, 4) },
  ),
  variant('p = 1', 'LpNormalization', { axis: -1, p: 1 }, a),
  variant('one axis', 'InstanceNormalization', {}, row, { k: random(4), l: random(4) }, { half: 0.01 }),
  variant(
    'axis 1, no bias',
    'LayerNormalization',
    { axis: 1 },
    { a: random(2, 3, 4) },
    { k: random(3, 4) },
    { opset: 17, half: 0.01 },
  ),
];

const PRODUCTS: Case[] = [
  variant(
    'both turned',
    'Gemm',
    { transA: 1, transB: 1, alpha: float(0.5), beta: float(-1) },
    { a: random(5, 3) },
    { k: random(4, 5), l: random(4) },
  ),
  variant('a scalar to add', 'Gemm', {}, { a: random(3, 5) }, { k: random(5, 4), l: tensor([], [2]) }),
  variant('two values', 'Gemm', { transB: 1 }, { a: random(3, 5), b: random(4, 5) }),
  variant('a row vector', 'MatMul', {}, { a: random(5) }, { k: random(5, 3) }),
  variant('a column vector', 'MatMul', {}, { a: random(2, 4, 5) }, { k: random(5) }),
  variant('two vectors', 'MatMul', {}, { a: random(5), b: random(5) }),
  variant('matrices in a batch', 'MatMul', {}, { a: random(2, 4, 5) }, { k: random(2, 5, 3) }),
  variant('broadcast', 'MatMul', {}, { a: random(2, 1, 4, 5), b: random(3, 5, 2) }),
  variant(
    'a constant to the left',
    'MatMul',
    {},
    { a: random(2, 5, 3) },
    { k: random(4, 5) },
    { args: 'k a' },
  ),
];

const VALUES: Case[] = [
  variant('ties', 'Round', {}, { a: ties }),
  variant('zero', 'Sign', {}, { a: ties }),
  variant('large', 'Softplus', {}, { a: tensor([4], [-20, -1, 1, 20]) }),
  variant('by 0.3 and 0.6', 'HardSigmoid', { alpha: float(0.3), beta: float(0.6) }, a),
  variant('alpha', 'Elu', { alpha: float(0.5) }, a),
  variant('alpha', 'LeakyRelu', { alpha: float(0.3) }, a),
  variant('alpha and gamma', 'Selu', { alpha: float(1.2), gamma: float(0.8) }, a),
  variant('alpha', 'ThresholdedRelu', { alpha: float(0.5) }, a),
  variant('one slope', 'PRelu', {}, a, { k: tensor([1], [0.2]) }),
  variant('a slope an element', 'PRelu', {}, { a: random(2, 3) }, { k: random(2, 3) }),
  variant('an inner axis', 'Softmax', { axis: 1 }, { a: random(2, 5, 3) }),
  variant('opset 11, flattened', 'Softmax', { axis: 1 }, { a: random(2, 3, 4) }, {}, { opset: 11 }),
  variant('a whole exponent of a negative', 'Pow', {}, { a: random(2, 3) }, { k: tensor([], [2]) }),
  variant('an integer exponent', 'Pow', {}, { a: random(2, 3) }, { k: tensor([], [3], 'int64') }),
  variant('three', 'Max', {}, { a: map, b: random(4, 1, 1), c: random(6) }),
  variant('alone', 'Sum', {}, a),
  variant(
    'of floats',
    'Equal',
    {},
    { a: ties, b: tensor([8], [-2.5, 0, 0, 0.5, 0, 2.5, 1, 0]) },
    {},
    { types: { y: 'bool' } },
  ),
  variant(
    'of integers',
    'Where',
    {},
    { c: tensor([3], [1, 0, 1], 'bool'), a: int32([3], 1, 2, 3), b: int32([1], 9) },
    {},
    { types: { y: 'int32' } },
  ),
  variant('to truth', 'Cast', { to: 9 }, { a: tensor([4], [0, 0.4, -1, 3]) }, {}, { types: { y: 'bool' } }),
  variant('integers to floats', 'Cast', { to: 1 }, { a: int32([3], -7, 0, 300) }),
  variant('towards zero', 'Cast', { to: 6 }, { a: ties }, {}, { types: { y: 'int32' } }),
];

const REDUCED: Case[] = [
  variant('kept, by the front', 'ReduceMean', { keepdims: 1 }, a, { k: int64s(1) }, { opset: 18 }),
  variant('axes as attribute', 'ReduceMax', { axes: [-2], keepdims: 0 }, a, {}, { opset: 13 }),
  variant('nothing', 'ReduceSum', { noop_with_empty_axes: 1 }, { a: random(2, 3) }, {}, { opset: 13 }),
  variant('everything', 'ReduceL2', { keepdims: 0 }, { a: random(2, 3) }, {}, { opset: 18 }),
  variant(
    'first of equals',
    'ArgMin',
    { axis: 1, keepdims: 0 },
    { a: tensor([2, 4], [1, 1, 3, 2, 7, 5, 5, 5]) },
    {},
    ids,
  ),
  variant('exclusive', 'CumSum', { exclusive: 1 }, { a: random(2, 5) }, { k: tensor([], [-1], 'int64') }),
  variant(
    'exclusive, from the end',
    'CumSum',
    { exclusive: 1, reverse: 1 },
    { a: random(2, 5) },
    { k: tensor([], [0], 'int64') },
  ),
  {
    name: 'TopK, least first',
    nodes: [node('TopK', 'a k', 'values ids', { axis: 0, largest: 0 })],
    inputs: { a: random(9, 2) },
    constants: { k: int64s(4) },
    outputs: ['values', 'ids'],
    types: { ids: 'int64' },
  },
];

const MOVED: Case[] = [
  variant('no permutation', 'Transpose', {}, { a: random(2, 3, 4) }),
  variant('every axis of 1', 'Squeeze', {}, { a: random(1, 4, 1) }),
  variant('from the end', 'Unsqueeze', {}, { a: random(2, 3) }, { k: int64s(-1) }),
  variant('a negative axis', 'Flatten', { axis: -1 }, { a: random(2, 3, 4) }),
  variant(
    'a negative axis, integers',
    'Concat',
    { axis: -1 },
    { a: int32([2, 1], 1, 2), b: int32([2, 2], 3, 4, 5, 6) },
    {},
    { types: { y: 'int32' } },
  ),
  {
    name: 'Split, parts of unequal size',
    nodes: [node('Split', 'a', 'x y', { axis: -1, num_outputs: 2 })],
    inputs: { a: random(2, 5) },
    outputs: ['x', 'y'],
    opset: 18,
  },
  variant('a crop', 'Pad', {}, a, { k: int64s(0, 0, -1, 1, 0, 0, 2, -2) }),
  variant('axes named', 'Pad', {}, a, { k: int64s(1, 2), v: tensor([], [0.5]), l: int64s(3) }, { opset: 18 }),
  variant('both ways', 'Expand', {}, { a: random(3, 1) }, { k: int64s(2, 1, 4) }),
  variant('above', 'Trilu', { upper: 1 }, { a: random(3, 4) }, { k: tensor([], [1], 'int64') }),
  variant('below the diagonal', 'Trilu', { upper: 0 }, { a: random(4, 4) }, { k: tensor([], [-1], 'int64') }),
  variant('a part', 'Shape', { start: 1, end: -1 }, a, {}, ids),
  variant(
    'over the first axis',
    'OneHot',
    { axis: 0 },
    { a: tensor([3], [1, -1, 4], 'int64') },
    { k: int64s(5), l: tensor([2], [0, 1]) },
  ),
  variant(
    'in batches',
    'GatherND',
    { batch_dims: 1 },
    { a: random(2, 3, 2) },
    { k: tensor([2, 1], [2, -1], 'int64') },
  ),
  variant(
    'that add',
    'ScatterElements',
    { axis: 1, reduction: 'add' },
    { a: random(2, 3), u: random(2, 2) },
    { k: tensor([2, 2], [1, 1, 0, -1], 'int64') },
    { args: 'a k u', opset: 18 },
  ),
  variant(
    'that add',
    'ScatterND',
    { reduction: 'add' },
    { a: random(4, 2), u: random(2, 2) },
    { k: tensor([2, 1], [1, 1], 'int64') },
    { args: 'a k u', opset: 18 },
  ),
];

const sizes = (...values: number[]) => ({ k: int64s(...values) });
const scales = (...values: number[]) => ({ k: tensor([values.length], values) });
const RESIZED: Case[] = [
  ...(
    [
      ['round_prefer_floor', 'half_pixel'],
      ['round_prefer_ceil', 'asymmetric'],
      ['floor', 'align_corners'],
      ['ceil', 'pytorch_half_pixel'],
    ] as const
  ).map(([nearest_mode, mode]) =>
    variant(
      `${nearest_mode}, ${mode}`,
      'Resize',
      { mode: 'nearest', nearest_mode, coordinate_transformation_mode: mode },
      a,
      sizes(1, 4, 9, 4),
      { args: 'a _ _ k' },
    ),
  ),
  ...['half_pixel', 'asymmetric', 'pytorch_half_pixel', 'align_corners'].map((mode) =>
    variant(
      `linear by scales, ${mode}`,
      'Resize',
      { mode: 'linear', coordinate_transformation_mode: mode },
      a,
      scales(1, 1, 1.5, 0.6),
      { args: 'a _ k' },
    ),
  ),
  variant('cubic', 'Resize', { mode: 'cubic', cubic_coeff_a: float(-0.5) }, a, sizes(1, 4, 9, 4), {
    args: 'a _ _ k',
  }),
  variant('axes named', 'Resize', { mode: 'linear', axes: [2, 3] }, a, sizes(9, 12), {
    args: 'a _ _ k',
    opset: 18,
  }),
  variant('one axis, linear', 'Resize', { mode: 'linear' }, row, scales(1, 1, 2), { args: 'a _ k' }),
  variant(
    'one axis, nearest',
    'Resize',
    { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    row,
    scales(1, 1, 2),
    { args: 'a _ k' },
  ),
];

const RECURRENT: Case[] = [
  variant(
    'sizes alone',
    'LSTM',
    { hidden_size: 3 },
    { a: small(4, 2, 3) },
    { k: small(1, 12, 3), l: small(1, 12, 3) },
  ),
  variant(
    'sizes alone',
    'GRU',
    { hidden_size: 3 },
    { a: small(4, 2, 3) },
    { k: small(1, 9, 3), l: small(1, 9, 3) },
  ),
];

const QUANTIZED: Case[] = [
  {
    name: 'codes with a scale a channel',
    nodes: [
      node('QuantizeLinear', 'a s z', 'q', { axis: 1 }),
      node('DequantizeLinear', 'q s z', 'y', { axis: 1 }),
    ],
    inputs: a,
    constants: { s: tensor([4], [0.02, 0.03, 0.05, 0.07]), z: tensor([4], [100, 128, 3, 255], 'uint8') },
    half: 0.03,
  },
  {
    name: 'codes without a zero point',
    nodes: [node('QuantizeLinear', 'a s', 'q'), node('DequantizeLinear', 'q s', 'y')],
    inputs: a,
    constants: { s: tensor([], [0.0625]) },
    half: 0.03,
  },
];

/** Forms of operators besides the common one, in both kinds of packages. */
export const VARIANTS: readonly Case[] = [
  ...WINDOWS,
  ...PRODUCTS,
  ...VALUES,
  ...REDUCED,
  ...MOVED,
  ...RESIZED,
  ...RECURRENT,
  ...QUANTIZED,
];
