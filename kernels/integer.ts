import type { BlockShape } from './blocks.js';
import { blockSize } from './blocks.js';
import { type KernelArray, KernelMemory } from './memory.js';
import { instantiate, type KernelExports } from './module.js';

export type ByteCodes = Int8Array | Uint8Array;

/** Codes and what is subtracted from them before they are multiplied: one zero point, or one for each row of a weight. */
export interface Factor {
  codes: ByteCodes;
  zeroPoints: Int32Array;
}

/** A 2-D convolution: x [batch, channels, height, width], w [filters, channels / groups, kernel…]. */
export interface ConvGeometry {
  batch: number;
  channels: number;
  filters: number;
  groups: number;
  /** Pairs are [height, width]. */
  size: [number, number];
  kernel: [number, number];
  strides: [number, number];
  dilations: [number, number];
  /** Top and left; what lies beyond the other edges follows from `out`. */
  pads: [number, number];
  out: [number, number];
}

/** a [rows, depth] · b [depth, columns], each with the distance in codes between its rows (columns) and along depth. */
export interface ProductGeometry {
  rows: number;
  columns: number;
  depth: number;
  a: { at: number; row: number; depth: number };
  b: { at: number; column: number; depth: number };
}

/** Where sums go: codes within [low, high] around a zero point. */
export interface CodeGrid {
  signed: boolean;
  zeroPoint: number;
  low: number;
  high: number;
}

/** Rows of a tile stay in the second-level cache. */
const TILE_BYTES = 1 << 17;
/** Alignment of the arrays, and what a KernelMemory needs besides them. */
const SLACK = 4096;

/** i16 values of a packed row: a multiple of the eight that one instruction takes. */
const padded = (depth: number): number => (depth + 7) & ~7;
const rowsOfTile = (depth: number): number => Math.max(1, Math.floor(TILE_BYTES / (2 * padded(depth))));
const signedness = (codes: ByteCodes): number => (codes instanceof Int8Array ? 1 : 0);

/** `count` zero points from one or as many; throws RangeError for any other number. */
function spread(zeroPoints: Int32Array, count: number): Int32Array {
  if (zeroPoints.length === count) return zeroPoints;
  if (zeroPoints.length !== 1) throw new RangeError(`${zeroPoints.length} zero points for ${count} rows`);
  return new Int32Array(count).fill(zeroPoints[0]);
}

/**
 * Integer layers over SIMD kernels: int8 or uint8 codes (narrower ones in bytes), int32 accumulators that wrap modulo
 * 2^32 as ConvInteger and MatMulInteger do, requantization with round-half-even. Each call brings its arrays into the
 * memory of the kernels and takes the result out; the memory grows to the largest layer.
 */
export class IntegerKernels {
  private memory = new KernelMemory(SLACK);
  private simd: KernelExports = instantiate(this.memory.memory);

  /**
   * Σ (x − zx)·(w − zw) + bias as [batch, filters, out height · out width]; padding counts as the zero point.
   * @throws RangeError when arrays and geometry do not belong together
   */
  conv(x: Factor, w: Factor, geometry: ConvGeometry, bias?: Int32Array): Int32Array {
    const { batch, channels, filters, groups, size, kernel, out } = geometry;
    const depth = (channels / groups) * kernel[0] * kernel[1];
    const pixels = out[0] * out[1];
    const image = channels * size[0] * size[1];
    check('image', x.codes.length, batch * image);
    check('weight', w.codes.length, filters * depth);
    const result = new Int32Array(batch * filters * pixels);
    const row = 2 * padded(depth);
    this.reserve(image + filters * (row + 4) + 4 * filters * pixels + TILE_BYTES + row + w.codes.length);
    const weights = this.packWeights(w, filters, depth);
    const tile = this.memory.allocate(Math.max(row, TILE_BYTES));
    const source = this.memory.allocate(image);
    const sums = this.memory.allocate(4 * filters * pixels);
    for (let n = 0; n < batch; n++) {
      this.write(source, x.codes.subarray(n * image, (n + 1) * image));
      this.write(sums, startingSums(bias, filters, pixels));
      for (let g = 0; g < groups; g++)
        this.convGroup({ ...geometry, depth, pixels, g }, x, source, weights, tile, sums);
      result.set(new Int32Array(this.memory.buffer, sums, filters * pixels), n * filters * pixels);
    }
    return result;
  }

  private convGroup(
    at: ConvGeometry & { depth: number; pixels: number; g: number },
    x: Factor,
    source: number,
    weights: number,
    tile: number,
    sums: number,
  ): void {
    const { channels, filters, groups, size, kernel, strides, dilations, pads, out, depth, pixels, g } = at;
    const own = channels / groups;
    const rows = filters / groups;
    const step = rowsOfTile(depth);
    const image = source + g * own * size[0] * size[1];
    const filter = weights + g * rows * 2 * padded(depth);
    const places = [...size, ...kernel, ...strides, ...dilations, ...pads, out[1]];
    for (let first = 0; first < pixels; first += step) {
      const count = Math.min(step, pixels - first);
      const [signed, zero] = [signedness(x.codes), x.zeroPoints[0]];
      this.simd.packPatches(image, signed, zero, own, ...places, first, count, tile, padded(depth));
      const target = sums + 4 * (g * rows * pixels + first);
      this.simd.multiplyRows(tile, count, filter, rows, padded(depth), target, 1, pixels);
    }
  }

  private packWeights(w: Factor, rows: number, depth: number): number {
    const zeroPoints = this.place(spread(w.zeroPoints, rows));
    const codes = this.place(w.codes);
    const packed = this.memory.allocate(2 * rows * padded(depth));
    const { simd } = this;
    simd.packRows(codes, signedness(w.codes), zeroPoints, rows, depth, depth, 1, packed, padded(depth));
    return packed;
  }

  /** Σ (a − za)·(b − zb) + bias as [rows, columns]; zero points one, or one for each row of a and column of b. */
  product(a: Factor, b: Factor, geometry: ProductGeometry, bias?: Int32Array): Int32Array {
    const { rows, columns, depth } = geometry;
    const row = 2 * padded(depth);
    const inputs = a.codes.length + b.codes.length + 4 * (rows + columns);
    this.reserve(inputs + columns * row + Math.max(row, TILE_BYTES) + 4 * rows * columns);
    const [left, right] = [this.place(a.codes) + geometry.a.at, this.place(b.codes) + geometry.b.at];
    const zeroA = this.place(spread(a.zeroPoints, rows));
    const zeroB = this.place(spread(b.zeroPoints, columns));
    const packed = this.memory.allocate(columns * row);
    const tile = this.memory.allocate(Math.max(row, TILE_BYTES));
    const sums = this.memory.allocate(4 * rows * columns);
    this.write(sums, tiled(bias, rows, columns));
    const { simd } = this;
    const { column, depth: along } = geometry.b;
    simd.packRows(right, signedness(b.codes), zeroB, columns, depth, column, along, packed, padded(depth));
    for (let first = 0; first < rows; first += rowsOfTile(depth)) {
      const count = Math.min(rowsOfTile(depth), rows - first);
      const from = left + first * geometry.a.row;
      const strides = [geometry.a.row, geometry.a.depth];
      simd.packRows(
        from,
        signedness(a.codes),
        zeroA + 4 * first,
        count,
        depth,
        ...strides,
        tile,
        padded(depth),
      );
      const target = sums + 4 * first * columns;
      simd.multiplyRows(tile, count, packed, columns, padded(depth), target, columns, 1);
    }
    return new Int32Array(this.memory.buffer, sums, rows * columns).slice();
  }

  /** saturate(roundHalfEven(sum · multiplier) + zero point): `multipliers` in float64, one a channel of `shape`. */
  requantize(sums: Int32Array, shape: BlockShape, multipliers: Float64Array, grid: CodeGrid): ByteCodes {
    check('accumulators', sums.length, blockSize(shape));
    check('multipliers', multipliers.length, shape.channels);
    this.reserve(5 * sums.length + 8 * multipliers.length);
    const [from, factors] = [this.place(sums), this.place(multipliers)];
    const out = this.memory.allocate(sums.length);
    const { outer, channels, inner } = shape;
    this.simd.requantize(from, out, outer, channels, inner, factors, grid.zeroPoint, grid.low, grid.high);
    return this.codesAt(out, sums.length, grid);
  }

  /** sum · multiplier as float32: what an integer layer hands to a float one. */
  scale(sums: Int32Array, shape: BlockShape, multipliers: Float64Array): Float32Array {
    check('accumulators', sums.length, blockSize(shape));
    check('multipliers', multipliers.length, shape.channels);
    this.reserve(8 * sums.length + 8 * multipliers.length);
    const [from, factors] = [this.place(sums), this.place(multipliers)];
    const out = this.memory.allocate(4 * sums.length);
    this.simd.scaleSums(from, out, shape.outer, shape.channels, shape.inner, factors);
    return new Float32Array(this.memory.buffer, out, sums.length).slice();
  }

  /** saturate(roundHalfEven((a − za)·ma + (b − zb)·mb) + zero point) of equally many codes. */
  add(a: Factor & { multiplier: number }, b: Factor & { multiplier: number }, grid: CodeGrid): ByteCodes {
    const n = a.codes.length;
    check('codes', b.codes.length, n);
    this.reserve(3 * n);
    const side = (f: Factor & { multiplier: number }) =>
      [this.place(f.codes), signedness(f.codes), f.zeroPoints[0], f.multiplier] as const;
    const [left, right] = [side(a), side(b)];
    const out = this.memory.allocate(n);
    this.simd.addCodes(...left, ...right, n, out, grid.zeroPoint, grid.low, grid.high);
    return this.codesAt(out, n, grid);
  }

  /** (a − za)·(b − zb) of equally many codes. */
  multiply(a: Factor, b: Factor): Int32Array {
    const n = a.codes.length;
    check('codes', b.codes.length, n);
    this.reserve(6 * n);
    const side = (f: Factor) => [this.place(f.codes), signedness(f.codes), f.zeroPoints[0]] as const;
    const [left, right] = [side(a), side(b)];
    const out = this.memory.allocate(4 * n);
    this.simd.multiplyCodes(...left, ...right, n, out);
    return new Int32Array(this.memory.buffer, out, n).slice();
  }

  /** |code − zero point|: with these in place of the codes, a sum of products bounds every order of summation. */
  magnitudes({ codes, zeroPoints }: Factor, shape: BlockShape): Uint8Array {
    check('codes', codes.length, blockSize(shape));
    this.reserve(2 * codes.length + 4 * shape.channels);
    const [from, zeros] = [this.place(codes), this.place(spread(zeroPoints, shape.channels))];
    const out = this.memory.allocate(codes.length);
    this.simd.magnitudes(from, signedness(codes), zeros, shape.outer, shape.channels, shape.inner, out);
    return new Uint8Array(this.memory.buffer, out, codes.length).slice();
  }

  /** The largest |sum|. */
  widest(sums: Int32Array): number {
    this.reserve(4 * sums.length);
    return this.simd.widest(this.place(sums), sums.length);
  }

  /** Room for the arrays of one call; what earlier calls left is forgotten. */
  private reserve(bytes: number): void {
    this.memory.reset();
    if (this.memory.room >= bytes + SLACK) return;
    this.memory = new KernelMemory(bytes + SLACK);
    this.simd = instantiate(this.memory.memory);
  }

  private place(array: KernelArray | Float64Array): number {
    const at = this.memory.allocate(array.byteLength);
    this.write(at, array);
    return at;
  }

  private write(at: number, { buffer, byteOffset, byteLength }: ArrayBufferView): void {
    new Uint8Array(this.memory.buffer, at, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
  }

  private codesAt(at: number, n: number, grid: CodeGrid): ByteCodes {
    return new (grid.signed ? Int8Array : Uint8Array)(this.memory.buffer, at, n).slice();
  }
}

function check(what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new RangeError(`${found} ${what}, not ${wanted}`);
}

/** Accumulators begin with the bias of their filter. */
function startingSums(bias: Int32Array | undefined, filters: number, pixels: number): Int32Array {
  const sums = new Int32Array(filters * pixels);
  if (bias) for (let f = 0; f < filters; f++) sums.fill(bias[f], f * pixels, (f + 1) * pixels);
  return sums;
}

/** The same with the bias along the last axis. */
function tiled(bias: Int32Array | undefined, rows: number, columns: number): Int32Array {
  const sums = new Int32Array(rows * columns);
  if (bias) for (let r = 0; r < rows; r++) sums.set(bias, r * columns);
  return sums;
}
