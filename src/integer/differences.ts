import { roundHalfEven } from '../../kernels/rounding.js';
import type { Differences, Outcome, OutputGrid } from './types.js';

/** Relative error of one float32 rounding. */
const UNIT = 2 ** -24;
/** Roundings of a float evaluation besides those of its sum: both factors, bias, scales, the division by the output's. */
const OTHERS = 8;

export const noDifferences = (): Differences => ({ differ: 0, maxSteps: 0, unexplained: 0 });

/**
 * How far float32 may lie from the exact value of a sum of `depth` products: every order of summation errs by at most
 * depth · 2^-24 · Σ|terms| (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). In steps of the output.
 */
export const floatError = (depth: number, magnitude: number): number => (depth + OTHERS) * UNIT * magnitude;

/**
 * Counts where the results of the same layer on the same operands part. Codes that differ are explained when rounding
 * the exact value, moved by what float32 may err, gives the other code: that is a tie, to within that error. Floats
 * differ when they lie farther apart than the error.
 * @param error how far float32 may lie from the exact value of output i
 */
export function countDifferences(
  into: Differences,
  ours: Outcome,
  theirs: ArrayLike<number>,
  grid: OutputGrid | undefined,
  error: (i: number) => number,
): void {
  const { values } = ours;
  for (let i = 0; i < values.length; i++) {
    if (values[i] === theirs[i]) continue;
    if (grid) countCode(into, ours.exact(i), Math.abs(values[i] - theirs[i]), theirs[i], grid, error(i));
    else if (!(Math.abs(ours.exact(i) - theirs[i]) <= error(i) + UNIT * Math.abs(theirs[i]))) {
      into.differ++;
      into.unexplained++;
    }
  }
}

function countCode(
  into: Differences,
  exact: number,
  steps: number,
  theirs: number,
  grid: OutputGrid,
  error: number,
): void {
  into.differ++;
  into.maxSteps = Math.max(into.maxSteps, steps);
  const rounded = (value: number) =>
    Math.min(grid.high, Math.max(grid.low, roundHalfEven(value) + grid.zeroPoints[0]));
  const atTie = rounded(exact - error) <= theirs && theirs <= rounded(exact + error);
  if (steps > 1 || !atTie) into.unexplained++;
}
