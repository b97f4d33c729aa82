import { type BlockShape, blockSize, type ChannelParams } from './blocks.js';
import type { NumberFormat } from './formats.js';
import { clamp, roundHalfEven, SMALLEST_NORMAL } from './rounding.js';

/** Parameters of one block. `scale` is a normal positive float32; `zeroPoint` lies within the codes. */
export interface ScaleZero {
  scale: number;
  zeroPoint: number;
}

export interface ParamOptions {
  /** Grid centred on zero. */
  symmetric: boolean;
}

type Codes = Pick<NumberFormat, 'qmin' | 'qmax' | 'symmetricMin' | 'symmetricMax'>;

/** The codes that a range is spread over. */
const grid = (format: Codes, symmetric: boolean): [number, number] =>
  symmetric ? [format.symmetricMin, format.symmetricMax] : [format.qmin, format.qmax];

/** Range to spread, widened to hold zero: padding and ReLU need an exact zero. */
function widen(min: number, max: number, symmetric: boolean): [number, number] {
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  const largest = Math.max(-low, high);
  return symmetric ? [-largest, largest] : [low, high];
}

/** The zero point of a grid of step `scale` (float64) that starts at `low`. */
function zeroOf(low: number, scale: number, format: Codes, symmetric: boolean): number {
  const [qmin, qmax] = grid(format, symmetric);
  return clamp(roundHalfEven(symmetric ? (qmin + qmax) / 2 : qmin - low / scale), qmin, qmax);
}

/** The step of a range in float64; 0 when it would be no normal float32. */
function stepOf(low: number, high: number, format: Codes, symmetric: boolean): number {
  const [qmin, qmax] = grid(format, symmetric);
  const step = (high - low) / (qmax - qmin);
  return step < SMALLEST_NORMAL ? 0 : step;
}

/** Steps from zero that every 8-bit grid has on either side, as a power of two: v / 64 is exact, and so is 64·(v / 64). */
const CONSTANT_STEPS = 64;

/**
 * Scale and zero point of the range [min, max], onnxruntime's `compute_scale_zp` in float64 (its float16 arithmetic
 * overflows on ±40000 and rounds small scales to 0; none of that here):
 * s = (max − min) / (qmax − qmin), z = roundHalfEven(qmin − min / s), symmetric z in the middle.
 * A constant v (min = max) gets s = |v| / 64, with which v itself is exact; a range too small for a normal scale
 * (all zeros, say) gets s = 1 and z = 0.
 * @throws RangeError when a bound is not finite, min > max, or the scale overflows float32
 */
export function rangeToParams(min: number, max: number, format: Codes, options: ParamOptions): ScaleZero {
  if (!Number.isFinite(min) || !Number.isFinite(max) || min > max) {
    throw new RangeError(`no range: [${min}, ${max}]`);
  }
  const { symmetric } = options;
  const [low, high] = widen(min, max, symmetric);
  const constant = min === max && Math.abs(min) / CONSTANT_STEPS >= SMALLEST_NORMAL;
  const step = constant ? Math.abs(min) / CONSTANT_STEPS : stepOf(low, high, format, symmetric);
  if (step === 0) return { scale: 1, zeroPoint: 0 };
  const scale = Math.fround(step);
  if (!Number.isFinite(scale)) throw new RangeError(`the scale of [${min}, ${max}] exceeds float32`);
  return { scale, zeroPoint: zeroOf(low, step, format, symmetric) };
}

/**
 * The smallest scale beside the largest one of a tensor. A bias is stored in steps of s_x·s_w[c], so a channel of
 * nearly no weights would make the bias overflow int32. At 2^-20 of the largest step the floor moves a weight by at
 * most 2^-21 of the step that the largest channel has anyway.
 */
export const CHANNEL_FLOOR = 2 ** -20;

/**
 * Parameters of weights, one a channel, from the finite extremes of each channel (callers refuse NaN and Inf first).
 * A channel of zeros takes the median of the other scales (1 when there is none), which keeps the bias scale sane.
 * @throws RangeError when values and shape do not belong together
 */
export function weightParams(
  values: Float32Array,
  shape: BlockShape,
  format: Codes,
  options: ParamOptions,
): ChannelParams {
  if (blockSize(shape) !== values.length) {
    throw new RangeError(`${values.length} values for ${blockSize(shape)} places`);
  }
  const { symmetric } = options;
  const ranges = channelRanges(values, shape).map(([min, max]) => widen(min, max, symmetric));
  const steps = ranges.map(([low, high]) => stepOf(low, high, format, symmetric));
  const used = steps.filter((step) => step > 0).sort((a, b) => a - b);
  const median = used.length === 0 ? 1 : used[used.length >> 1];
  const floor = Math.max(SMALLEST_NORMAL, (used.at(-1) ?? 0) * CHANNEL_FLOOR);
  const filled = steps.map((step) => Math.max(step === 0 ? median : step, floor));
  const zeroPoints = filled.map((step, c) => zeroOf(ranges[c][0], step, format, symmetric));
  return { scales: Float32Array.from(filled), zeroPoints: Int32Array.from(zeroPoints) };
}

/** Finite minimum and maximum of every channel, [0, 0] where there is none. */
function channelRanges(values: Float32Array, { outer, channels, inner }: BlockShape): [number, number][] {
  const ranges = Array.from({ length: channels }, (): [number, number] => [Infinity, -Infinity]);
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const start = (o * channels + c) * inner;
      extend(ranges[c], values, start, start + inner);
    }
  }
  return ranges.map(([min, max]) => (min <= max ? [min, max] : [0, 0]));
}

function extend(range: [number, number], values: Float32Array, start: number, end: number): void {
  let [min, max] = range;
  for (let i = start; i < end; i++) {
    const x = values[i];
    if (x < min && x !== -Infinity) min = x;
    if (x > max && x !== Infinity) max = x;
  }
  range[0] = min;
  range[1] = max;
}
