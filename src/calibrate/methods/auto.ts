import { gridOf } from '../../../kernels/noise.js';
import type { CalibrationMethod, Range, RangeRequest, TensorStats } from '../types.js';
import { densities, isConstant, observedRange, rangeError } from './common.js';
import { minmax } from './minmax.js';
import { mse } from './mse.js';
import { percentile } from './percentile.js';

/** A tenth more noise is 0.4 dB, less than what another draw of calibration samples changes. */
const TOLERANCE = 1.1;
const PERCENTS = [99.999, 99.99, 99.9];

/**
 * For each tensor, the method that clips least among those whose expected squared error comes within a tenth of the
 * lowest one. The error is measured on the samples; clipping also meets what the samples did not show, so a range
 * that clips must earn it. Candidates: minmax, percentiles 99.999, 99.99 and 99.9, mse. (Entropy is no candidate: it
 * minimises something else, and the percentiles offer the same widths for a fraction of the time.)
 */
export const auto: CalibrationMethod = {
  id: 'auto',
  description:
    'per tensor, the range with the least noise at the outputs; without samples, the widest within 10 % of the least squared error',
  range: (stats, request) => (isConstant(stats) ? observedRange(stats) : widest(stats, request)),
};

const CANDIDATES: readonly CalibrationMethod[] = [
  minmax,
  ...PERCENTS.map((percent) => percentile.parameter?.with(percent) ?? percentile),
  mse,
];

function widest(stats: TensorStats, request: RangeRequest): Range {
  const sides = densities(stats);
  const found = CANDIDATES.map((method) => {
    const range = method.range(stats, request);
    const { scale } = gridOf(range.min, range.max, request.steps, request.symmetric);
    return { range, scale, error: scale > 0 ? rangeError(sides, range, request) : Infinity };
  });
  const lowest = Math.min(...found.map(({ error }) => error));
  const close = found.filter(({ error }) => error <= lowest * TOLERANCE);
  return close.reduce((a, b) => (b.scale > a.scale ? b : a)).range;
}
