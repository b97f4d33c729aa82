import { type BlockShape, type ChannelParams, checkBlocks } from './blocks.js';
import type { NumberFormat } from './formats.js';
import { roundHalfEven } from './rounding.js';

export { type BiasOverflow, biasOverflow, quantizeBias } from './bias.js';
export { type BlockShape, blockShape, type ChannelParams } from './blocks.js';
export { rangeToParams, type ScaleZero, weightParams } from './params.js';
export { roundHalfEven } from './rounding.js';

/**
 * The plain versions of the SIMD kernels: the definition in readable form, and what runs for formats wider than 8 bits.
 * ONNX QuantizeLinear: q = saturate(roundHalfEven(x / s) + z) with a float32 division; NaN gives the lowest code,
 * as in onnxruntime (the standard leaves it open).
 */
export type Codes = Int8Array | Uint8Array | Int32Array;

const ARRAYS = { int8: Int8Array, uint8: Uint8Array, int32: Int32Array };

/** The code of one float32 value. `scale` must itself be a float32. */
export function quantizeValue(
  x: number,
  scale: number,
  zeroPoint: number,
  qmin: number,
  qmax: number,
): number {
  const q = roundHalfEven(Math.fround(x / scale)) + zeroPoint;
  // The comparison sends NaN to qmin.
  return q > qmin ? Math.min(q, qmax) : qmin;
}

/** Calls `visit` for every run of elements that share a channel. */
function eachRun(shape: BlockShape, visit: (channel: number, start: number, end: number) => void): void {
  const { outer, channels, inner } = shape;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const start = (o * channels + c) * inner;
      visit(c, start, start + inner);
    }
  }
}

/**
 * Float32 values to codes.
 * @throws RangeError when values, shape and parameters do not belong together
 */
export function quantize(
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  format: Pick<NumberFormat, 'dtype' | 'qmin' | 'qmax'>,
): Codes {
  checkBlocks(values.length, shape, params);
  const out = new ARRAYS[format.dtype](values.length);
  eachRun(shape, (c, start, end) => {
    const scale = params.scales[c];
    const zeroPoint = params.zeroPoints[c];
    for (let i = start; i < end; i++) {
      out[i] = quantizeValue(values[i], scale, zeroPoint, format.qmin, format.qmax);
    }
  });
  return out;
}

/** Codes to float32 values: y = (q − z)·s, the difference as float32 first, as in ONNX. */
export function dequantize(codes: Codes, shape: BlockShape, params: ChannelParams): Float32Array {
  checkBlocks(codes.length, shape, params);
  const out = new Float32Array(codes.length);
  eachRun(shape, (c, start, end) => {
    const scale = params.scales[c];
    const zeroPoint = params.zeroPoints[c];
    for (let i = start; i < end; i++) out[i] = Math.fround(codes[i] - zeroPoint) * scale;
  });
  return out;
}

/** The values that the codes stand for. */
export const fakeQuantize = (
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  format: Pick<NumberFormat, 'dtype' | 'qmin' | 'qmax'>,
): Float32Array => dequantize(quantize(values, shape, params, format), shape, params);
