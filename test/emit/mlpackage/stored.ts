import { dequantized, type Weight } from '../../../src/emit/weight.js';
import type { Model } from '../../../src/ir/model.js';
import { elementCount } from '../../../src/ir/tensor.js';
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
  const groups = elementCount(grid);
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
/** The same through tables, each of which has its zero in another place. */
function prunedLut(bits: number, grid: number[]): Weight {
  const weight = lut(bits, grid);
  const { quantized } = weight;
  const groups = quantized!.scale.length;
  const zeroOf = (group: number) => (group * 5) % 2 ** bits;
  const values = tables(groups, bits).map((v) => v || 1 / 64);
  for (let g = 0; g < groups; g++) values[g * 2 ** bits + zeroOf(g)] = 0;
  const data = (weight.data as Uint8Array).map((place, i) => {
    const zero = zeroOf(Math.floor((i * groups) / COUNT));
    if (i % 4 >= 2) return zero;
    return place === zero ? (zero + 1) % 2 ** bits : place;
  });
  return { ...weight, data, quantized: { ...quantized!, lut: { bits, tables: values } } };
}
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
  ...[
    { name: 'a table a channel, half of it zero', bits: 4, grid: [64, 1, 1, 1] },
    { name: 'a table of 3 bits a block, half of it zero', bits: 3, grid: [64, 4, 1, 1] },
    { name: 'a table of 7 bits, half of it zero', bits: 7, grid: one },
  ].map(({ name, bits, grid }) => ({
    name,
    weight: prunedLut(bits, grid),
    ios: [18] as const,
    operations: ['constexpr_lut_to_sparse', 'constexpr_sparse_to_dense'],
  })),
  {
    name: 'a table of 2 bits, half of it zero, whose mask would take what it saves',
    weight: prunedLut(2, one),
    ios: [17, 18],
    operations: ['constexpr_lut_to_dense'],
  },
  {
    name: 'int8, all of it zero',
    weight: {
      dims: DIMS,
      data: new Int8Array(COUNT),
      quantized: { dtype: 'int8', dims: [64, 1, 1, 1], scale },
    },
    ios: [17, 18],
    operations: ['constexpr_blockwise_shift_scale'],
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
