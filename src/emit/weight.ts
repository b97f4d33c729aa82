import { elementCount } from '../ir/tensor.js';

/**
 * A constant that an operator multiplies with, while it is brought into the layout that a package wants: floats, or
 * codes with their grid. `scale` and `zeroPoint` have the shape `grid`, which has the rank of `dims`; each of its
 * sizes divides that of `dims`, and the quotient is the block that shares a scale.
 */
export interface Weight {
  dims: number[];
  /** One element each; int4 codes too. */
  data: Float32Array | Int8Array | Uint8Array;
  quantized?: Grid;
  /** 8-bit floats that stand for the data, for formats that have them; gone once the weight is moved. */
  float8?: Float8;
}

/** A code an element, times its scale; `dims` as those of a grid. */
export interface Float8 {
  dtype: 'float8e4m3fn' | 'float8e5m2';
  codes: Uint8Array;
  dims: number[];
  scale: Float32Array;
}

export interface Grid {
  dtype: 'int8' | 'uint8' | 'int4' | 'uint4';
  dims: number[];
  /** Of look-up tables: which table a group has. */
  scale: Float32Array;
  /** Absent: all zero. */
  zeroPoint?: Int32Array;
  /** The data are places in tables of 2^bits values, one after the other. */
  lut?: Lut;
}

export interface Lut {
  bits: number;
  tables: Float32Array;
}

/** Applies the same move to the codes and to their grid. */
function both(
  weight: Weight,
  move: <A extends Movable>(data: A, dims: number[]) => { data: A; dims: number[] },
): Weight {
  const moved = move(weight.data, weight.dims);
  const { quantized } = weight;
  if (!quantized) return moved;
  const scale = move(quantized.scale, quantized.dims);
  const zeroPoint = quantized.zeroPoint && move(quantized.zeroPoint, quantized.dims).data;
  return { ...moved, quantized: { ...quantized, dims: scale.dims, scale: scale.data, zeroPoint } };
}

type Movable = Float32Array | Int8Array | Uint8Array | Int32Array;

export const transposeWeight = (weight: Weight, perm: number[]): Weight =>
  both(weight, (data, dims) => ({ data: transposed(data, dims, perm), dims: perm.map((p) => dims[p]) }));

/** In another shape; undefined where its groups are not as plain there. */
export function reshapeWeight(weight: Weight, dims: number[]): Weight | undefined {
  const { quantized } = weight;
  if (!quantized) return { dims, data: weight.data };
  const grid = gridIn(dims, weight.dims, quantized.dims);
  return grid && { dims, data: weight.data, quantized: { ...quantized, dims: grid } };
}

/** The grid beside other sizes: of axes that stay but for those of size 1, or of the first one alone. */
function gridIn(dims: number[], before: number[], grid: number[]): number[] | undefined {
  const wide = (of: number[]) => of.flatMap((d, i) => (d === 1 ? [] : [i]));
  const [from, to] = [wide(before), wide(dims)];
  if (from.length === to.length && from.every((axis, i) => before[axis] === dims[to[i]]))
    return dims.map((_, axis) => (to.includes(axis) ? grid[from[to.indexOf(axis)]] : 1));
  const firstAlone = grid.every((g, i) => g === 1 || (i === 0 && before[0] === dims[0]));
  return firstAlone ? dims.map((_, i) => (i === 0 ? grid[0] : 1)) : undefined;
}

/** Adds axes of size 1 at the end, until there are `rank`. */
export const padRank = (weight: Weight, rank: number): Weight =>
  both(weight, (data, dims) => ({ data, dims: [...dims, ...Array<number>(rank - dims.length).fill(1)] }));

/** Drops the first axis, keeping its index `i`. */
export const pick = (weight: Weight, i: number): Weight =>
  both(weight, (data, dims) => {
    const size = elementCount(dims.slice(1));
    const at = dims[0] === 1 ? 0 : i;
    return { data: data.slice(at * size, (at + 1) * size) as typeof data, dims: dims.slice(1) };
  });

/** Reorders equal parts of the first axis: `order[i]` is the part that comes i-th. A grid of one row stays. */
export const reorderRows = (weight: Weight, order: number[]): Weight =>
  both(weight, (data, dims) => {
    if (dims[0] === 1) return { data, dims };
    const size = data.length / order.length;
    const out = data.slice() as typeof data;
    order.forEach((from, to) => {
      out.set(data.subarray(from * size, (from + 1) * size) as never, to * size);
    });
    return { data: out, dims };
  });

/** Multiplies what the weight stands for by a number: floats themselves, or the scales of codes. */
export function scaleWeight(weight: Weight, factor: number): Weight {
  if (factor === 1) return weight;
  const { quantized } = weight;
  if (!quantized) return { ...weight, data: Float32Array.from(weight.data, (v) => v * factor) };
  const { lut } = quantized;
  if (lut) {
    const tables = lut.tables.map((v) => v * factor);
    return { ...weight, quantized: { ...quantized, lut: { ...lut, tables } } };
  }
  return { ...weight, quantized: { ...quantized, scale: quantized.scale.map((s) => s * factor) } };
}

/** What the codes stand for: (q − zeroPoint) · scale. */
export function dequantized({ dims, data, quantized }: Weight): Float32Array {
  if (!quantized) return data as Float32Array;
  const at = gridIndex(dims, quantized.dims);
  const { scale, zeroPoint, lut } = quantized;
  return Float32Array.from(data, (q, i) => {
    const g = at(i);
    if (lut) return lut.tables[scale[g] * 2 ** lut.bits + q];
    return (q - (zeroPoint?.[g] ?? 0)) * scale[g];
  });
}

/** Element of the grid that element i of the data belongs to. */
function gridIndex(dims: number[], grid: number[]): (i: number) => number {
  const blocks = dims.map((d, axis) => d / grid[axis]);
  return (i) => {
    let rest = i;
    let index = 0;
    let stride = 1;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index += Math.floor((rest % dims[axis]) / blocks[axis]) * stride;
      rest = Math.floor(rest / dims[axis]);
      stride *= grid[axis];
    }
    return index;
  };
}

function transposed<A extends Movable>(data: A, dims: number[], perm: number[]): A {
  const strides = dims.map((_, axis) => elementCount(dims.slice(axis + 1)));
  const sizes = perm.map((p) => dims[p]);
  const steps = perm.map((p) => strides[p]);
  const out = new (data.constructor as new (n: number) => A)(data.length);
  const index = new Array<number>(sizes.length).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      index[axis] = 0;
    }
  }
  return out;
}
