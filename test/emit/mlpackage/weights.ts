import { elementCount } from '../../../src/ir/tensor.js';
import type { TensorValue } from '../../../src/runtime/types.js';
import { int64s, node, random, tensor } from '../../prepare/opset/build.js';
import type { Case } from './cases.js';

const codes = (count: number, most: number): number[] =>
  Array.from({ length: count }, (_, i) => ((i * 37) % (2 * most + 1)) - most);

/** A convolution whose weight [4, 8, 1, 1] is stored in codes. */
const stored = (
  name: string,
  attributes: Parameters<typeof node>[3],
  constants: Record<string, TensorValue>,
  more: Partial<Case> = {},
): Case => ({
  name,
  opset: 21,
  nodes: [
    node('DequantizeLinear', Object.keys(constants).join(' '), 'weight', attributes),
    node('Conv', 'a weight', 'y'),
  ],
  inputs: { a: random(1, 8, 3, 3) },
  constants,
  ...more,
});

const int4 = (dims: number[], values: number[], dtype: 'int4' | 'uint4' = 'int4'): TensorValue => ({
  dtype,
  dims,
  data: Uint8Array.from(
    { length: values.length / 2 },
    (_, i) => (values[2 * i] & 15) | ((values[2 * i + 1] & 15) << 4),
  ),
});

const w8 = tensor([4, 8, 1, 1], codes(32, 127), 'int8');
const scales = (...dims: number[]): TensorValue =>
  tensor(
    dims,
    Array.from({ length: elementCount(dims) }, (_, i) => (i + 3) / 512),
  );

/** Each way in which a weight can be stored. */
export const WEIGHTS: readonly Case[] = [
  stored('int8, one scale', {}, { w: w8, s: tensor([], [0.01171875]) }),
  stored('int8, one scale a channel', { axis: 0 }, { w: w8, s: scales(4) }),
  stored(
    'int8 with zero points',
    { axis: 0 },
    { w: w8, s: scales(4), z: tensor([4], [1, -2, 3, 0], 'int8') },
  ),
  stored(
    'uint8',
    { axis: 0 },
    {
      w: tensor(
        [4, 8, 1, 1],
        codes(32, 127).map((v) => v + 128),
        'uint8',
      ),
      s: scales(4),
      z: tensor([4], [128, 128, 128, 127], 'uint8'),
    },
  ),
  stored('int8, a scale below float16', { axis: 0 }, { w: w8, s: tensor([4], [1e-9, 0.01, 0.01, 0.01]) }),
  stored(
    'int4, one scale a channel',
    { axis: 0 },
    { w: int4([4, 8, 1, 1], codes(32, 7)), s: scales(4) },
    { ios: 18 },
  ),
  stored(
    'int4 in blocks',
    { axis: 1, block_size: 4 },
    { w: int4([4, 8, 1, 1], codes(32, 7)), s: scales(4, 2, 1, 1) },
    { ios: 18 },
  ),
  stored(
    'uint4 in blocks with zero points',
    { axis: 1, block_size: 2 },
    {
      w: int4(
        [4, 8, 1, 1],
        codes(32, 7).map((v) => v + 8),
        'uint4',
      ),
      s: scales(4, 4, 1, 1),
      z: int4(
        [4, 4, 1, 1],
        codes(16, 2).map((v) => v + 8),
        'uint4',
      ),
    },
    { ios: 18 },
  ),
  stored(
    'rows that become a filter',
    {},
    { w: tensor([4, 8], codes(32, 127), 'int8'), s: scales(4), shape: int64s(4, 2, 2, 2) },
    {
      nodes: [
        node('DequantizeLinear', 'w s', 'rows', { axis: 0 }),
        node('Reshape', 'rows shape', 'weight'),
        node('Conv', 'a weight', 'y'),
      ],
      inputs: { a: random(1, 2, 3, 3) },
    },
  ),
  stored(
    'a matrix in codes, transposed',
    {},
    { w: tensor([4, 8], codes(32, 127), 'int8'), s: scales(4) },
    {
      nodes: [
        node('DequantizeLinear', 'w s', 'rows', { axis: 0 }),
        node('Transpose', 'rows', 'weight', { perm: [1, 0] }),
        node('MatMul', 'a weight', 'y'),
      ],
      inputs: { a: random(3, 8) },
    },
  ),
  stored(
    'rows in blocks that a filter has none of, as floats',
    {},
    { w: tensor([4, 8], codes(32, 127), 'int8'), s: scales(4, 2), shape: int64s(4, 2, 2, 2) },
    {
      nodes: [
        node('DequantizeLinear', 'w s', 'rows', { axis: 1, block_size: 4 }),
        node('Reshape', 'rows shape', 'weight'),
        node('Conv', 'a weight', 'y'),
      ],
      inputs: { a: random(1, 2, 3, 3) },
    },
  ),
  stored(
    'blocks of which the last is short, as floats',
    {},
    { w: tensor([6, 4], codes(24, 127), 'int8'), s: scales(2, 4), z: tensor([2, 4], codes(8, 3), 'int8') },
    {
      nodes: [
        node('DequantizeLinear', 'w s z', 'weight', { axis: 0, block_size: 4 }),
        node('MatMul', 'a weight', 'y'),
      ],
      inputs: { a: random(3, 6) },
    },
  ),
];
