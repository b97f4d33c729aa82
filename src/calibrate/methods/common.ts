import { gridOf, squaredError } from '../../../kernels/noise.js';
import { type Sides, sidesOf } from '../../../kernels/side.js';
import type { Range, RangeRequest, TensorStats } from '../types.js';

/** The finite extremes; [0, 0] when nothing finite was seen. */
export const observedRange = ({ count, min, max }: TensorStats): Range =>
  count > 0 ? { min, max } : { min: 0, max: 0 };

/** Nothing to choose: no values, or the same value always (`rangeToParams` then makes that value exact). */
export const isConstant = ({ count, min, max }: TensorStats): boolean => count === 0 || min === max;

/** The observed range, widened to hold 0 as every grid does, so that a non-negative tensor keeps min = 0. */
export const widened = ({ min, max }: TensorStats): Range => ({
  min: Math.min(min, 0),
  max: Math.max(max, 0),
});

export const largestMagnitude = ({ min, max }: Range): number => Math.max(0 - min, max);

/** The part of a range within [−limit, limit]. */
export const within = ({ min, max }: Range, limit: number): Range => ({
  min: Math.max(min, 0 - limit),
  max: Math.min(max, limit),
});

/** Densities of both signs of a tensor's histogram. */
export const densities = (stats: TensorStats): Sides => sidesOf(stats, stats.min, stats.max);

/** Expected Σ(x − quantized x)² of a range over the values counted. */
export const rangeError = (sides: Sides, { min, max }: Range, request: RangeRequest): number =>
  squaredError(sides, gridOf(min, max, request.steps, request.symmetric));

/**
 * Expected mean squared error per value of quantizing to a range, clipping and rounding together.
 * 0 for a tensor without values and for a range without extent.
 */
export function expectedError(stats: TensorStats, range: Range, request: RangeRequest): number {
  if (stats.count === 0 || (range.min === 0 && range.max === 0)) return 0;
  return rangeError(densities(stats), range, request) / stats.count;
}
