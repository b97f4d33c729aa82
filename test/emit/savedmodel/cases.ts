import { codes, float, int64s, node, random, tensor } from '../../prepare/opset/build.js';
import { CASES, type Case } from '../mlpackage/cases.js';
import { WEIGHTS } from '../mlpackage/weights.js';

const above = (...dims: number[]) => {
  const value = random(...dims);
  return { ...value, data: (value.data as Float32Array).map((v) => Math.abs(v) + 1.25) };
};
const scalar = (value: number) => tensor([], [value]);
const zero = (value: number, dtype: 'int8' | 'uint8' = 'uint8') => tensor([], [value], dtype);

/** Operators and forms that Core ML has not, and integer products of every kind. */
const MORE: Case[] = [
  { name: 'Celu', nodes: [node('Celu', 'a', 'y', { alpha: float(0.5) })], inputs: { a: random(2, 3) } },
  { name: 'Asinh', nodes: [node('Asinh', 'a', 'y')], inputs: { a: random(2, 3) } },
  { name: 'Acosh', nodes: [node('Acosh', 'a', 'y')], inputs: { a: above(2, 3) } },
  {
    name: 'IsNaN',
    nodes: [node('IsNaN', 'a', 'y')],
    inputs: { a: tensor([3], [1, Number.NaN, -2]) },
    types: { y: 'bool' },
  },
  { name: 'Size', nodes: [node('Size', 'a', 'y')], inputs: { a: random(2, 3) }, types: { y: 'int64' } },
  {
    name: 'RMSNormalization',
    nodes: [node('RMSNormalization', 'a g', 'y')],
    inputs: { a: random(2, 5, 8) },
    constants: { g: random(8) },
    opset: 23,
  },
  {
    name: 'ConvTranspose in groups',
    nodes: [node('ConvTranspose', 'a w', 'y', { group: 2, strides: [2, 1] })],
    inputs: { a: random(1, 4, 5, 5) },
    constants: { w: random(4, 3, 3, 2) },
  },
  {
    name: 'Resize, cubic',
    nodes: [node('Resize', 'a _ _ sizes', 'y', { mode: 'cubic' })],
    inputs: { a: random(1, 2, 5, 5) },
    constants: { sizes: int64s(1, 2, 8, 3) },
  },
  {
    name: 'Pad around the edge',
    nodes: [node('Pad', 'a p', 'y', { mode: 'wrap' })],
    inputs: { a: random(3, 4) },
    constants: { p: int64s(1, 0, 2, 3) },
    opset: 19,
  },
  {
    name: 'GRU, bidirectional',
    nodes: [node('GRU', 'a w r b', 'y h', { hidden_size: 3, direction: 'bidirectional' })],
    inputs: { a: random(5, 2, 4) },
    constants: { w: random(2, 9, 4), r: random(2, 9, 3), b: random(2, 18) },
  },
  {
    name: 'GatherND in batches',
    nodes: [node('GatherND', 'a i', 'y', { batch_dims: 1 })],
    inputs: { a: random(2, 3, 2) },
    constants: { i: tensor([2, 1], [2, -1], 'int64') },
  },
  {
    name: 'TopK, least first',
    nodes: [node('TopK', 'a k', 'values ids', { axis: 0, largest: 0 })],
    inputs: { a: random(9, 2) },
    constants: { k: int64s(4) },
    types: { ids: 'int64' },
  },
];

/** Sums of integers are the same everywhere; scales are powers of two, so that results are exact in float32. */
const INTEGER: Case[] = [
  {
    name: 'int8 convolution with a zero point, padded and in groups',
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('DequantizeLinear', 'q s z', 'x'),
      node('DequantizeLinear', 'w ws', 'wd', { axis: 0 }),
      node('Conv', 'x wd', 'y', { pads: [1, 0, 2, 1], strides: [2, 1], group: 2 }),
    ],
    inputs: { a: random(1, 4, 6, 6) },
    constants: {
      s: scalar(2 ** -5),
      z: zero(131),
      w: codes(4, 2, 3, 3),
      ws: tensor([4], [0.25, 0.5, 1, 0.125]),
    },
  },
  {
    name: 'int8 transposed convolution with a zero point',
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('DequantizeLinear', 'q s z', 'x'),
      node('DequantizeLinear', 'w ws', 'wd', { axis: 1 }),
      node('ConvTranspose', 'x wd', 'y', { strides: [2, 2], pads: [1, 1, 0, 0] }),
    ],
    inputs: { a: random(1, 3, 4, 4) },
    constants: {
      s: scalar(2 ** -5),
      z: zero(-9, 'int8'),
      w: codes(3, 2, 3, 3),
      ws: tensor([2], [0.25, 0.5]),
    },
  },
  {
    name: 'int8 product with a matrix, an int32 bias',
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('DequantizeLinear', 'q s z', 'x'),
      node('DequantizeLinear', 'w ws', 'wd', { axis: 0 }),
      node('DequantizeLinear', 'b bs', 'bd', { axis: 0 }),
      node('Gemm', 'x wd bd', 'y', { transB: 1 }),
    ],
    inputs: { a: random(3, 5) },
    constants: {
      s: scalar(2 ** -5),
      z: zero(100),
      w: codes(4, 5),
      ws: tensor([4], [0.25, 0.5, 1, 2]),
      b: tensor([4], [100, -7, 3, 2000], 'int32'),
      bs: tensor([4], [2 ** -7, 2 ** -6, 2 ** -5, 2 ** -4]),
    },
  },
  {
    name: 'int8 product of two values, both with zero points',
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('DequantizeLinear', 'q s z', 'x'),
      node('QuantizeLinear', 'b t u', 'r'),
      node('DequantizeLinear', 'r t u', 'v'),
      node('MatMul', 'x v', 'y'),
    ],
    inputs: { a: random(2, 3, 5), b: random(5, 4) },
    constants: { s: scalar(2 ** -5), z: zero(100), t: scalar(2 ** -6), u: zero(-3, 'int8') },
  },
];

export const SAVED: readonly Case[] = [...CASES, ...WEIGHTS, ...MORE, ...INTEGER];
export const INTEGER_NAMES: readonly string[] = INTEGER.map((c) => c.name);
