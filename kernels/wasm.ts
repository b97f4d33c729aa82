import { type BlockShape, type ChannelParams, pieces, scaleCount } from './blocks.js';
import { type Codes, checkTables, codeArray } from './codec.js';
import type { NumberFormat } from './formats.js';
import { COUNTERS, KernelMemory, PIECE, SCRATCH } from './memory.js';
import { instantiate, type KernelExports } from './module.js';
import { type Extremes, eachBlock, eachPiece, gatherExtremes } from './piecewise.js';
import * as plain from './quantize.js';
import { type SimdCall, simdCodec } from './simd-codecs.js';

export { COUNTERS } from './memory.js';
export type { Extremes } from './piecewise.js';

/** Float64 sums over pairs of values. SQNR = 10·log10(xx / dd), cosine = xy / √(xx·yy). */
export interface ErrorSums {
  xx: number;
  yy: number;
  xy: number;
  /** Σ(x − y)². */
  dd: number;
  maxError: number;
}

/** The SIMD kernels over one memory. Arrays of that memory are used in place, others are copied piece by piece. */
export class Kernels {
  readonly memory: KernelMemory;
  private readonly simd: KernelExports;

  constructor(byteLength: number) {
    this.memory = new KernelMemory(byteLength);
    this.simd = instantiate(this.memory.memory);
  }

  /** `n` zeroed float32 in the memory; valid until `reset`. Throws RangeError when the memory is full. */
  float32(n: number): Float32Array {
    return new Float32Array(this.memory.buffer, this.memory.allocate(4 * n), n).fill(0);
  }

  uint32(n: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, this.memory.allocate(4 * n), n).fill(0);
  }

  /** `n` zeroed codes of a format. */
  codes(n: number, row: NumberFormat): Codes {
    return codeArray(row, n, (bytes) => [this.memory.buffer, this.memory.allocate(bytes)]).fill(0);
  }

  /** A place to come back to with `reset`. */
  mark(): number {
    return this.memory.mark();
  }

  /** Frees everything allocated since `mark`, by default everything. */
  reset(mark?: number): void {
    this.memory.reset(mark);
  }

  minMax(values: Float32Array): Extremes {
    return gatherExtremes(this.memory, values, (at, n) => this.simd.minMax(at, n, SCRATCH.result));
  }

  /** Adds the values to the exponent histogram `counters` (COUNTERS u32, at most 2^32 − 1 each; see drainCounters). */
  histogram(values: Float32Array, counters: Uint32Array): void {
    this.withCounters(counters, (table) => {
      eachPiece(this.memory, values, (at, n) => this.simd.histogram(at, n, table));
    });
  }

  /** `minMax` and `histogram` in one pass. */
  observe(values: Float32Array, counters: Uint32Array): Extremes {
    return this.withCounters(counters, (table) =>
      gatherExtremes(this.memory, values, (at, n) => this.simd.observe(at, n, table, SCRATCH.result)),
    );
  }

  /**
   * Codes of float32 values; see kernels/quantize.ts for what they are.
   * @throws RangeError when values, shape and parameters do not belong together
   */
  quantize(
    values: Float32Array,
    shape: BlockShape,
    params: ChannelParams,
    row: NumberFormat,
    out: Codes = codeArray(row, values.length),
  ): Codes {
    const codec = simdCodec('quantize', this.call(row, params));
    if (!codec) return plain.quantize(values, shape, params, row, out);
    eachBlock(this.memory, values, out, shape, params, codec);
    return out;
  }

  /** The float32 values of codes. */
  dequantize(
    codes: Codes,
    shape: BlockShape,
    params: ChannelParams,
    row: NumberFormat,
    out: Float32Array = new Float32Array(codes.length),
  ): Float32Array {
    const codec = simdCodec('dequantize', this.call(row, params));
    if (!codec) return plain.dequantize(codes, shape, params, row, out);
    eachBlock(this.memory, codes, out, shape, params, codec);
    return out;
  }

  /** dequantize(quantize(x)) in one pass; `out` may be `values`. */
  fakeQuantize(
    values: Float32Array,
    shape: BlockShape,
    params: ChannelParams,
    row: NumberFormat,
    out: Float32Array = new Float32Array(values.length),
  ): Float32Array {
    const codec = simdCodec('fakeQuantize', this.call(row, params));
    if (!codec) return plain.fakeQuantize(values, shape, params, row, out);
    eachBlock(this.memory, values, out, shape, params, codec);
    return out;
  }

  private call(row: NumberFormat, params: ChannelParams): SimdCall {
    checkTables(row, params);
    return { simd: this.simd, memory: this.memory, row, params };
  }

  /** Sums over x and y of equal length, in a fixed order: the same on every machine. */
  errorSums(x: Float32Array, y: Float32Array): ErrorSums {
    if (x.length !== y.length) throw new RangeError(`${x.length} values against ${y.length}`);
    const sums = { xx: 0, yy: 0, xy: 0, dd: 0, maxError: 0 };
    const result = new Float64Array(this.memory.buffer, SCRATCH.result, 5);
    for (let at = 0; at < x.length; at += PIECE) {
      const n = Math.min(PIECE, x.length - at);
      const xs = this.memory.place(x, at, n, SCRATCH.first);
      this.simd.errorSums(xs, this.memory.place(y, at, n, SCRATCH.second), n, SCRATCH.result);
      sums.xx += result[0];
      sums.yy += result[1];
      sums.xy += result[2];
      sums.dd += result[3];
      sums.maxError = Math.max(sums.maxError, result[4]);
    }
    return sums;
  }

  /** Σ(x − y)² of every group of a block shape, in a fixed order. */
  groupErrors(x: Float32Array, y: Float32Array, shape: BlockShape): Float64Array {
    if (x.length !== y.length) throw new RangeError(`${x.length} values against ${y.length}`);
    const errors = new Float64Array(scaleCount(shape));
    for (const { at, channel, ...piece } of pieces(shape, PIECE)) {
      const { outer, channels, inner } = piece;
      const n = outer * channels * inner;
      const xs = this.memory.place(x, at, n, SCRATCH.first);
      const ys = this.memory.place(y, at, n, SCRATCH.second);
      this.simd.groupErrors(xs, ys, outer, channels, inner, SCRATCH.table);
      const found = new Float64Array(this.memory.buffer, SCRATCH.table, channels);
      for (let c = 0; c < channels; c++) errors[channel + c] += found[c];
    }
    return errors;
  }

  /**
   * What one half step of half-quadratic quantization needs to know of values, a multiple of four of them, on whole codes
   * in [low, high]·scale: Σ|u|^¾, Σ q·(x/s − e) and Σ q² (see kernels/assembly/shrink.ts).
   */
  shrinkSums(
    values: Float32Array,
    { scale, low, high }: { scale: number; low: number; high: number },
    share: number,
  ): { norm: number; product: number; power: number } {
    const sums = { norm: 0, product: 0, power: 0 };
    const result = new Float64Array(this.memory.buffer, SCRATCH.result, 3);
    eachPiece(this.memory, values, (at, n) => {
      this.simd.shrinkSums(at, n, scale, low, high, share, SCRATCH.result);
      sums.norm += result[0];
      sums.product += result[1];
      sums.power += result[2];
    });
    return sums;
  }

  /** Copies within the memory: the yardstick of the benchmark. */
  copy(to: Float32Array, from: Float32Array): void {
    this.simd.copy(to.byteOffset, from.byteOffset, from.byteLength);
  }

  private withCounters<T>(counters: Uint32Array, run: (table: number) => T): T {
    if (counters.length !== COUNTERS) throw new RangeError(`${counters.length} counters, not ${COUNTERS}`);
    const table = this.memory.place(counters, 0, COUNTERS, SCRATCH.table);
    const result = run(table);
    this.memory.collect(counters, 0, COUNTERS, SCRATCH.table);
    return result;
  }
}

/**
 * Kernels with a memory of `byteLength` bytes of arrays (it never grows, so arrays stay valid and onnxruntime may write
 * into them). The module is compiled once a process.
 * @throws Error when kernels/simd.wasm is not built; RangeError when there is no such memory
 */
export const createKernels = (byteLength: number): Kernels => new Kernels(byteLength);
