import { dequantized, type Weight } from '../../../src/emit/weight.js';
import type { Model } from '../../../src/ir/model.js';
import { buildModel, node, random, tensor } from '../../prepare/opset/build.js';

/** A weight [64, 36, 1, 1] of a convolution, in codes that no DequantizeLinear holds. */
export interface StoredCase {
  name: string;
  weight: Weight;
  ios: readonly (17 | 18)[];
  /** The operations that make it, from iOS 18 on. */
  operations: string[];
}

const DIMS = [64, 36, 1, 1];
const COUNT = 64 * 36;
const places = (bits: number): Uint8Array =>
  Uint8Array.from({ length: COUNT }, (_, i) => (i * 37 + (i >> 5)) % 2 ** bits);
const tables = (count: number, bits: number): Float32Array =>
  Float32Array.from({ length: count * 2 ** bits }, (_, i) => (((i * 7) % 31) - 15) / 64);

const lut = (bits: number, grid: number[]): Weight => {
  const groups = grid.reduce((n, d) => n * d, 1);
  const scale = Float32Array.from({ length: groups }, (_, g) => g);
  return {
    dims: DIMS,
    data: places(bits),
    quantized: { dtype: 'uint8', dims: grid, scale, lut: { bits, tables: tables(groups, bits) } },
  };
};

/** Two of four are zero. */
const pruned = <A extends Int8Array | Float32Array>(values: A): A =>
  values.map((v, i) => (i % 4 < 2 ? v || 1 : 0)) as A;
const int8s = Int8Array.from({ length: COUNT }, (_, i) => ((i * 37) % 255) - 127);
const scale = Float32Array.from({ length: 64 }, (_, i) => (i + 3) / 4096);
const one = [1, 1, 1, 1];

export const STORED: readonly StoredCase[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((bits) => ({
    name: `a table of ${bits} bits`,
    weight: lut(bits, one),
    ios: [17, 18] as const,
    operations: ['constexpr_lut_to_dense'],
  })),
  {
    name: 'a table a channel',
    weight: lut(4, [64, 1, 1, 1]),
    ios: [18],
    operations: ['constexpr_lut_to_dense'],
  },
  {
    name: 'a table a block',
    weight: lut(2, [64, 4, 1, 1]),
    ios: [18],
    operations: ['constexpr_lut_to_dense'],
  },
  {
    name: 'int8, half of it zero',
    weight: { dims: DIMS, data: pruned(int8s), quantized: { dtype: 'int8', dims: [64, 1, 1, 1], scale } },
    ios: [17, 18],
    operations: ['constexpr_sparse_blockwise_shift_scale', 'constexpr_sparse_to_dense'],
  },
  {
    name: 'int4, half of it zero',
    weight: {
      dims: DIMS,
      data: pruned(int8s.map((v) => v % 8)),
      quantized: {
        dtype: 'int4',
        dims: [64, 9, 1, 1],
        scale: Float32Array.from({ length: 576 }, (_, i) => (i + 3) / 4096),
      },
    },
    ios: [18],
    operations: ['constexpr_sparse_blockwise_shift_scale', 'constexpr_sparse_to_dense'],
  },
  {
    name: 'floats, half of them zero',
    weight: { dims: DIMS, data: pruned(Float32Array.from(int8s, (v) => v / 64)) },
    ios: [17, 18],
    operations: ['constexpr_sparse_to_dense'],
  },
];

/** The model with the weight as floats, and what to say about it. */
export function storedModel({ weight }: StoredCase): { model: Model; stored: Map<string, Weight> } {
  const w = tensor(DIMS, Array.from(dequantized(weight)));
  const model = buildModel({
    name: 'stored',
    opset: 16,
    nodes: [node('Conv', 'a w', 'y')],
    inputs: { a: random(1, 36, 2, 2) },
    constants: { w },
  });
  return { model, stored: new Map([['w', weight]]) };
}
