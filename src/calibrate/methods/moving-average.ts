import type { CalibrationMethod, Range, TensorStats } from '../types.js';
import { isConstant, observedRange } from './common.js';

/** Weight of the newest sample, onnxruntime's default. */
const DEFAULT_WEIGHT = 0.01;

/**
 * Exponential moving average of the extremes of each sample, m ← m + c·(b − m), started by the first one: a single
 * extreme sample moves the range by a hundredth. It depends on the order of the samples, unlike the other methods.
 */
const movingAverageOf = (weight: number): CalibrationMethod => ({
  id: 'moving-average',
  description: 'moving average over the samples of their smallest and largest value',
  range: (stats) => (isConstant(stats) ? observedRange(stats) : average(stats, weight)),
  parameter: {
    description: 'weight of the newest sample',
    default: DEFAULT_WEIGHT,
    above: 0,
    below: 1,
    with: movingAverageOf,
  },
});

function average(stats: TensorStats, weight: number): Range {
  let range: Range | undefined;
  for (const { min, max } of stats.extremes) {
    // A sample without a finite value has no extremes.
    if (!Number.isFinite(min) || !Number.isFinite(max)) continue;
    range = range
      ? { min: range.min + weight * (min - range.min), max: range.max + weight * (max - range.max) }
      : { min, max };
  }
  return range ?? observedRange(stats);
}

export const movingAverage = movingAverageOf(DEFAULT_WEIGHT);
