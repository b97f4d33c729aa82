import { packCodes } from '../../../kernels/pack.js';
import { elementCount } from '../../ir/tensor.js';
import type { Grid, Weight } from '../weight.js';
import { type Builder, range } from './builder.js';
import { type HloType, hloTypeOf, type Value } from './program.js';

type Quantized = Weight & { quantized: Grid };

/** Codes of a weight as int8 or 8-bit floats, with one scale for all or one an index of `axis`, centred on zero. */
export interface WeightCodes {
  value: Value;
  scale: Float32Array;
}

/** Nibbles are stored unsigned, this much above their value. */
const NIBBLE_OFFSET = 8;

/** The weight as floats, by arithmetic of the program where it is stored in codes. */
export function weightFloats(b: Builder, weight: Weight, name: string, dtype: 'f32' | 'bf16'): Value {
  if (!isQuantized(weight)) return b.constant(dtype, weight.dims, weight.data, name);
  const { dims, quantized } = weight;
  if (quantized.lut) return b.convert(lookUp(b, weight, name), dtype);
  const { scale, zeroPoint } = quantized;
  const grid = (values: ArrayLike<number>, of: HloType) =>
    spreadGrid(
      b,
      b.constant(of, quantized.dims, values, `${name}.${of === 'f32' ? 'scale' : 'zero_point'}`),
      dims,
    );
  const codes = storedCodes(b, weight, name);
  const centred = zeroPoint?.some((z) => z !== 0)
    ? b.subtract(b.convert(codes, 'i32'), grid(zeroPoint, 'i32'))
    : codes;
  return b.convert(b.multiply(b.convert(centred, 'f32'), grid(scale, 'f32')), dtype);
}

/** The weight as codes for a product over all axes but `axis`; undefined where one scale does not cover them. */
export function weightCodes(b: Builder, weight: Weight, axis: number, name: string): WeightCodes | undefined {
  const { dims, data, float8 } = weight;
  const covers = (grid: number[]) => grid.every((d, i) => d === 1 || (i === axis && d === dims[i]));
  if (float8 && covers(float8.dims))
    return { value: b.bytes(hloTypeOf(float8.dtype)!, dims, float8.codes, name), scale: float8.scale };
  if (!isQuantized(weight) || weight.quantized.lut) return undefined;
  const { quantized } = weight;
  if (!covers(quantized.dims)) return undefined;
  const shift = quantized.dtype === 'uint8' ? 128 : quantized.dtype === 'uint4' ? 8 : 0;
  const zeros = quantized.zeroPoint ?? Int32Array.of(0);
  if (zeros.some((z) => z !== shift)) return undefined;
  const signed = { ...quantized, dtype: quantized.dtype.replace('u', '') as Grid['dtype'] };
  const moved = shift ? Int8Array.from(data, (q) => q - shift) : data;
  return { value: storedCodes(b, { dims, data: moved, quantized: signed }, name), scale: quantized.scale };
}

/** Sums of the codes over all axes but `axis`. */
export function codeSums({ dims, data, quantized }: Weight, axis: number): Int32Array {
  const shift = quantized?.dtype === 'uint8' ? 128 : quantized?.dtype === 'uint4' ? 8 : 0;
  const inner = elementCount(dims.slice(axis + 1));
  const sums = new Int32Array(dims[axis]);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / inner) % dims[axis]] += data[i] - shift;
  return sums;
}

const isQuantized = (weight: Weight): weight is Quantized => weight.quantized !== undefined;

/** One byte a code, or two codes a byte that the program takes apart. */
function storedCodes(b: Builder, { dims, data, quantized }: Quantized, name: string): Value {
  const { dtype } = quantized;
  if (dtype === 'int8') return b.constant('i8', dims, data, name);
  if (dtype === 'uint8') return b.constant('ui8', dims, data, name);
  const offset = dtype === 'int4' ? NIBBLE_OFFSET : 0;
  const nibbles = unpacked(
    b,
    Uint8Array.from(data, (q) => q + offset),
    4,
    name,
  );
  const shifted = offset ? b.subtract(b.convert(nibbles, 'i32'), b.scalar(offset, 'i32')) : nibbles;
  return b.reshape(b.convert(shifted, 'i8'), dims);
}

/** Codes [n] as a byte each (ui8), from `bits` (1, 2 or 4) in memory, the first in the lowest. */
function unpacked(b: Builder, codes: Uint8Array, bits: number, name: string): Value {
  const packed = b.bytes('ui8', [Math.ceil((codes.length * bits) / 8)], packCodes(codes, bits), name);
  const mask = b.scalar(2 ** bits - 1, 'ui8');
  const [n] = packed.dims;
  const planes = range(8 / bits).map((i) => {
    const moved = i ? b.binary('shift_right_logical', packed, b.scalar(i * bits, 'ui8')) : packed;
    return b.reshape(b.binary('and', moved, mask), [n, 1]);
  });
  const flat = b.reshape(b.concatenate(planes, 1), [n * planes.length]);
  return b.part(flat, 0, 0, codes.length);
}

/** tables[group · 2^bits + code]. */
function lookUp(b: Builder, { dims, data, quantized }: Quantized, name: string): Value {
  const { bits, tables } = quantized.lut!;
  const width = [1, 2, 4, 8].find((w) => w >= bits)!;
  const bytes = Uint8Array.from(data);
  const codes = width === 8 ? b.bytes('ui8', [data.length], bytes, name) : unpacked(b, bytes, width, name);
  const group = b.constant(
    'i32',
    quantized.dims,
    quantized.scale.map((g) => g * 2 ** bits),
    `${name}.group`,
  );
  const index = b.add(b.reshape(b.convert(codes, 'i32'), dims), spreadGrid(b, group, dims));
  return take(b, b.constant('f32', [tables.length], tables, `${name}.tables`), index, 0);
}

/** Elements of x along `axis` at `indices` (int32, within bounds): x's axis becomes those of the indices. */
export function take(b: Builder, x: Value, indices: Value, axis: number): Value {
  const rank = indices.dims.length;
  const dims = [...x.dims.slice(0, axis), ...indices.dims, ...x.dims.slice(axis + 1)];
  const offsets = range(dims.length).filter((i) => i < axis || i >= axis + rank);
  return b.op('gather', [x, indices], dims, {
    dimension_numbers: {
      kind: 'gather',
      fields: {
        offset_dims: offsets,
        collapsed_slice_dims: [axis],
        start_index_map: [axis],
        index_vector_dim: rank,
      },
    },
    slice_sizes: x.dims.map((d, i) => (i === axis ? 1 : d)),
    indices_are_sorted: false,
  });
}

/** Repeats each value of a grid over its block. */
function spreadGrid(b: Builder, grid: Value, dims: number[]): Value {
  if (grid.dims.every((g, i) => g === 1 || g === dims[i])) return b.broadcast(grid, dims);
  const split = dims.flatMap((d, i) => [grid.dims[i], d / grid.dims[i]]);
  return b.reshape(
    b.spread(
      grid,
      split,
      range(dims.length).map((i) => 2 * i),
    ),
    dims,
  );
}
