import { roundHalfEven } from './rounding.js';
import { firstAbove, type Side, type Sides } from './side.js';

/**
 * Expected squared error of quantizing what a histogram counted, clipping and rounding together, exact for values that
 * lie evenly inside their buckets. The grid of a sign is {0, s, …, levels·s}: zero is always a code.
 *
 * With u = x / s, k = round(u), the integral of (x − s·round(x/s))² from 0 to x is s³·(k/12 + (u − k)³/3),
 * and beyond the last level c = levels·s it goes on with (x − c)³/3; a piece's error is a difference of two such values.
 */
export interface Grid {
  scale: number;
  positiveLevels: number;
  negativeLevels: number;
}

/** Below this share of its magnitude a piece's width drowns in the rounding of the difference: take it as a point. */
const POINT = 1e-9;

/** Sum of squared errors over all values. */
export const squaredError = (sides: Sides, grid: Grid): number =>
  sideError(sides.positive, grid.scale, grid.positiveLevels) +
  sideError(sides.negative, grid.scale, grid.negativeLevels);

function sideError(side: Side, scale: number, levels: number): number {
  const n = side.count.length;
  const { counts, sums, squares } = side;
  if (levels <= 0) return squares[n];
  const clip = levels * scale;
  // Below half a step everything becomes 0 and errs by itself; beyond the clip everything becomes the clip.
  const first = firstAbove(side.high, scale / 2);
  const last = Math.max(first, firstAbove(side.low, clip, true));
  const clipped = counts[n] - counts[last];
  let error = squares[first];
  error += squares[n] - squares[last] - 2 * clip * (sums[n] - sums[last]) + clip * clip * clipped;
  return Math.max(0, error + piecesError(side, first, last, scale, levels));
}

/** Sum over pieces [first, last). Neighbours share an edge, so its integral is computed once. */
function piecesError(side: Side, first: number, last: number, scale: number, levels: number): number {
  let error = 0;
  let edge = Number.NaN;
  let below = 0;
  for (let i = first; i < last; i++) {
    const low = side.low[i];
    const high = side.high[i];
    if (high - low <= POINT * high) {
      error += side.count[i] * pointError(high / scale, levels);
      continue;
    }
    if (low !== edge) below = integral(low / scale, levels);
    const above = integral(high / scale, levels);
    error += (side.count[i] * scale * (above - below)) / (high - low);
    edge = high;
    below = above;
  }
  return error * scale * scale;
}

const pointError = (u: number, levels: number): number => (u - Math.min(levels, Math.floor(u + 0.5))) ** 2;

/** The integral of the header from 0 to u = x / s, in units of s³. */
function integral(u: number, levels: number): number {
  const k = Math.min(levels, Math.floor(u + 0.5));
  const off = u - k;
  return k / 12 + (off * off * off) / 3;
}

/**
 * The grid that `rangeToParams` makes of a range: `steps` steps over [min, max] widened to hold 0, zero on the grid.
 * Symmetric: over [−a, a], a the larger magnitude.
 */
export function gridOf(min: number, max: number, steps: number, symmetric: boolean): Grid {
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  if (symmetric) {
    const scale = (2 * Math.max(-low, high)) / steps;
    return { scale, positiveLevels: Math.floor(steps / 2), negativeLevels: Math.ceil(steps / 2) };
  }
  const scale = (high - low) / steps;
  const negativeLevels = roundHalfEven((0 - low) / scale);
  return { scale, positiveLevels: steps - negativeLevels, negativeLevels };
}
