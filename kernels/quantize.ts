import { type BlockShape, type ChannelParams, checkBlocks, eachRun } from './blocks.js';
import { type Codec, type Codes, codeArray, codecOf } from './codec.js';
import type { NumberFormat } from './formats.js';

export { type BiasOverflow, biasOverflow, quantizeBias } from './bias.js';
export { type BlockShape, blockShape, type ChannelParams, scaleCount, scaleDims } from './blocks.js';
export { type Codes, integerMultiple } from './codec.js';
export { activationParams, rangeToParams, type ScaleZero, weightParams } from './params.js';
export { roundHalfEven } from './rounding.js';

/**
 * The plain versions of the SIMD kernels: the definition in readable form. code = encode(fround(x / s)) and
 * y = decode(code)·s, the division and the product in float32, for every format and block shape.
 */

/** Calls `visit` for every run of elements that share a group, with the codec and the scale of the group. */
function eachGroup(
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  visit: (codec: Codec, scale: number, start: number, end: number) => void,
): void {
  const codecs = new Map<number, Codec>();
  eachRun(shape, (group, start, end) => {
    const codec = codecs.get(group) ?? codecOf(row, params, group);
    codecs.set(group, codec);
    visit(codec, params.scales[group], start, end);
  });
}

/**
 * Float32 values to codes.
 * @throws RangeError when values, shape and parameters do not belong together
 */
export function quantize(
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  out: Codes = codeArray(row, values.length),
): Codes {
  checkBlocks(values.length, shape, params);
  eachGroup(shape, params, row, (codec, scale, start, end) => {
    for (let i = start; i < end; i++) out[i] = codec.encode(Math.fround(values[i] / scale));
  });
  return out;
}

/** Codes to float32 values: y = decode(code)·s; for integers (q − z)·s, the difference as float32 first, as in ONNX. */
export function dequantize(
  codes: Codes,
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  out: Float32Array = new Float32Array(codes.length),
): Float32Array {
  checkBlocks(codes.length, shape, params);
  eachGroup(shape, params, row, (codec, scale, start, end) => {
    for (let i = start; i < end; i++) out[i] = codec.decode(codes[i]) * scale;
  });
  return out;
}

/** The values that the codes stand for. */
export const fakeQuantize = (
  values: Float32Array,
  shape: BlockShape,
  params: ChannelParams,
  row: NumberFormat,
  out?: Float32Array,
): Float32Array => dequantize(quantize(values, shape, params, row), shape, params, row, out);
