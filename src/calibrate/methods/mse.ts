import { magnitudeQuantile } from '../../../kernels/histogram.js';
import type { Sides } from '../../../kernels/side.js';
import type { CalibrationMethod, Range, RangeRequest, TensorStats } from '../types.js';
import {
  densities,
  isConstant,
  largestMagnitude,
  observedRange,
  rangeError,
  widened,
  within,
} from './common.js';

/** Clip candidates, in equal ratios from the largest magnitude down to the median. */
const CANDIDATES = 100;
/** Each round tries bounds up to this share away from the best so far, on either side in turn. */
const ROUNDS = [0.5, 0.12, 0.03, 0.008];
/** Bounds tried in a round, half of them smaller and half larger. */
const TRIES = 16;
/** Where the search ends when nearly everything is zero: 2^-24 of the largest value is below any 8-bit step. */
const LOWEST = 2 ** -24;

/**
 * The range of least expected squared error: a wide one rounds coarsely, a narrow one clips. First both bounds shrink
 * together, then each alone around the best. The observed range is the first candidate, so the result is never worse.
 */
export const mse: CalibrationMethod = {
  id: 'mse',
  description: 'least expected squared error, rounding and clipping together (default)',
  range: (stats, request) => (isConstant(stats) ? observedRange(stats) : leastError(stats, request)),
};

interface Search {
  sides: Sides;
  request: RangeRequest;
  best: Range;
  error: number;
}

function leastError(stats: TensorStats, request: RangeRequest): Range {
  const whole = widened(stats);
  const sides = densities(stats);
  const search: Search = { sides, request, best: whole, error: rangeError(sides, whole, request) };
  const largest = largestMagnitude(whole);
  const median = Math.min(1, Math.max(LOWEST, magnitudeQuantile(stats, 0.5) / largest));
  for (let i = 1; i <= CANDIDATES; i++) {
    attempt(search, within(whole, largest * median ** (i / CANDIDATES)));
  }
  for (const reach of ROUNDS) refine(search, whole, reach);
  return search.best;
}

function attempt(search: Search, range: Range): void {
  if (range.max - range.min <= 0) return;
  const error = rangeError(search.sides, range, search.request);
  if (error < search.error) {
    search.best = range;
    search.error = error;
  }
}

/** Symmetric grids have one bound to move, others two. */
function refine(search: Search, whole: Range, reach: number): void {
  const factors = Array.from({ length: TRIES }, (_, i) => {
    const step = (Math.floor(i / 2) + 1) / (TRIES / 2);
    return 1 + (i % 2 === 0 ? -step : step) * reach;
  });
  if (search.request.symmetric) {
    const limit = largestMagnitude(search.best);
    for (const factor of factors) attempt(search, within(whole, limit * factor));
    return;
  }
  const { max } = search.best;
  for (const factor of factors) attempt(search, { ...search.best, max: Math.min(whole.max, max * factor) });
  const { min } = search.best;
  for (const factor of factors) attempt(search, { ...search.best, min: Math.max(whole.min, min * factor) });
}
