import { magnitudeQuantile, quantile } from '../../../kernels/histogram.js';
import type { CalibrationMethod, Range, RangeRequest, TensorStats } from '../types.js';
import { isConstant, observedRange, widened, within } from './common.js';

const DEFAULT_PERCENT = 99.99;

/**
 * The range that holds `percent` of the values. Asymmetric: half of the rest is cut off on either side; a side without
 * values has nothing to cut, so the other one loses all of it. Symmetric: the percentile of |x|.
 * Accurate to a bucket of the histogram, 1/32 of the value at most. Where so many values are zero that nothing else is
 * left, nothing is cut.
 */
const percentileOf = (percent: number): CalibrationMethod => ({
  id: 'percentile',
  description: `the range that holds ${percent} % of the values`,
  range: (stats, request) =>
    isConstant(stats) ? observedRange(stats) : percentileRange(stats, request, percent / 100),
  parameter: {
    description: 'share of the values inside the range, in percent',
    default: DEFAULT_PERCENT,
    above: 50,
    below: 100,
    with: percentileOf,
  },
});

function percentileRange(stats: TensorStats, { symmetric }: RangeRequest, share: number): Range {
  const whole = widened(stats);
  const range = symmetric
    ? within(whole, magnitudeQuantile(stats, share))
    : twoSidedRange(stats, whole, share);
  return range.min === range.max ? whole : range;
}

function twoSidedRange(stats: TensorStats, whole: Range, share: number): Range {
  const twoSided = stats.min < 0 && stats.max > 0;
  const tail = twoSided ? (1 - share) / 2 : 1 - share;
  return {
    min: stats.min < 0 ? Math.min(0, Math.max(whole.min, quantile(stats, tail))) : 0,
    max: stats.max > 0 ? Math.max(0, Math.min(whole.max, quantile(stats, 1 - tail))) : 0,
  };
}

export const percentile = percentileOf(DEFAULT_PERCENT);
