import { type BlockShape, blockSize, type ChannelParams, eachRun, scaleCount } from './blocks.js';
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
  return normal((high - low) / (qmax - qmin));
}

const normal = (step: number): number => (step < SMALLEST_NORMAL ? 0 : step);

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
 * Scale and zero point of a range of activations in any format: integers as `rangeToParams`; floats s = max|x| / largest
 * (1 for zeros), which for FP8 beats the scale by standard deviations that saturates the tails.
 * @throws RangeError as rangeToParams
 */
export function activationParams(
  min: number,
  max: number,
  format: NumberFormat,
  options: ParamOptions,
): ScaleZero {
  if (format.kind === 'integer') return rangeToParams(min, max, format, options);
  const { scale } = rangeToParams(
    min,
    max,
    { ...format, qmin: 0, qmax: 1, symmetricMin: -format.largest, symmetricMax: format.largest },
    { symmetric: true },
  );
  return { scale, zeroPoint: 0 };
}

/**
 * The smallest scale beside the largest one of a tensor. A bias is stored in steps of s_x·s_w[c], so a channel of
 * nearly no weights would make the bias overflow int32. At 2^-20 of the largest step the floor moves a weight by at
 * most 2^-21 of the step that the largest channel has anyway.
 */
export const CHANNEL_FLOOR = 2 ** -20;

/**
 * Parameters of weights from the finite extremes of each group (callers refuse NaN and Inf first): integers as
 * `rangeToParams`, all other formats s = max|x| / largest, or 1 where the format takes no scale. A group of zeros takes
 * the median of the other scales (1 when there is none), which keeps the bias scale sane.
 * @throws RangeError when values and shape do not belong together
 */
export function weightParams(
  values: Float32Array,
  shape: BlockShape,
  format: NumberFormat,
  { symmetric }: ParamOptions,
): ChannelParams {
  if (blockSize(shape) !== values.length) {
    throw new RangeError(`${values.length} values for ${blockSize(shape)} places`);
  }
  const count = scaleCount(shape);
  const zeroPoints = new Int32Array(count);
  if (!format.scaled) return { scales: new Float32Array(count).fill(1), zeroPoints };
  const { min, max } = groupExtremes(values, shape);
  const integer = format.kind === 'integer';
  const steps = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const [low, high] = widen(min[i], max[i], symmetric || !integer);
    steps[i] = integer ? stepOf(low, high, format, symmetric) : normal(high / format.largest);
  }
  fillSteps(steps);
  if (!integer) return { scales: Float32Array.from(steps), zeroPoints };
  for (let i = 0; i < count; i++) {
    zeroPoints[i] = zeroOf(widen(min[i], max[i], symmetric)[0], steps[i], format, symmetric);
  }
  return { scales: Float32Array.from(steps), zeroPoints };
}

/** Gives groups without a step the median of the others, and no step less than the floor. */
function fillSteps(steps: Float64Array): void {
  const used = steps.filter((step) => step > 0).sort();
  const median = used.length === 0 ? 1 : used[used.length >> 1];
  const floor = Math.max(SMALLEST_NORMAL, (used.at(-1) ?? 0) * CHANNEL_FLOOR);
  for (let i = 0; i < steps.length; i++) steps[i] = Math.max(steps[i] || median, floor);
}

/** Finite minimum and maximum of every group, 0 and 0 where there is none. */
export function groupExtremes(
  values: Float32Array,
  shape: BlockShape,
): { min: Float32Array; max: Float32Array } {
  const min = new Float32Array(scaleCount(shape)).fill(Infinity);
  const max = new Float32Array(min.length).fill(-Infinity);
  eachRun(shape, (group, start, end) => {
    extend(min, max, group, values, start, end);
  });
  for (let i = 0; i < min.length; i++) if (min[i] > max[i]) min[i] = max[i] = 0;
  return { min, max };
}

function extend(
  mins: Float32Array,
  maxs: Float32Array,
  group: number,
  values: Float32Array,
  start: number,
  end: number,
): void {
  let min = mins[group];
  let max = maxs[group];
  for (let i = start; i < end; i++) {
    const x = values[i];
    if (x < min && x !== -Infinity) min = x;
    if (x > max && x !== Infinity) max = x;
  }
  mins[group] = min;
  maxs[group] = max;
}
