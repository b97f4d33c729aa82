import type { Target } from '../../targets/types.js';
import { predict } from './predict.js';
import type { PublishedRow } from './types.js';

/** Relative change of a constant for its derivative. */
const STEP = 0.02;
/** How far constants may be expected to move (30 %), against what rows scatter (10 %): keeps ill-posed fits in place. */
const PRIOR = (0.1 / 0.3) ** 2;

/**
 * What each row's error becomes when the chip's constants are fitted again without the rows of its own network or
 * shape: to first order in the logarithms, from the derivatives of every prediction. Rows that nothing was fitted to
 * keep their error.
 * @returns predicted / published − 1 by row; undefined where nothing is left to fit to
 */
export function leftOutErrors(
  rows: readonly PublishedRow[],
  target: Target,
): Map<PublishedRow, number | undefined> {
  const fitted = rows.filter((row) => row.used === 'fit');
  const slopes = new Map(fitted.map((row) => [row, slopesOf(row, target)]));
  const residual = (row: PublishedRow) => Math.log(predict(row, target) / row.value);
  const residuals = new Map(rows.map((row) => [row, residual(row)]));
  const refit = (use: readonly PublishedRow[]) =>
    leastSquares(
      use.map((row) => slopes.get(row)!),
      use.map((row) => residuals.get(row)!),
    );
  const all = refit(fitted);
  return new Map(
    rows.map((row) => {
      const own = slopes.get(row);
      if (!own) return [row, Math.exp(residuals.get(row)!) - 1];
      const others = fitted.filter((other) => subject(other) !== subject(row));
      if (others.length === 0) return [row, undefined];
      const moved = refit(others);
      const change = own.reduce((sum, slope, i) => sum + slope * (moved[i] - all[i]), 0);
      return [row, Math.exp(residuals.get(row)! + change) - 1];
    }),
  );
}

/** Rows of one network, or of one shape, are left out together. */
export function subject({ workload }: PublishedRow): string {
  if (workload.kind === 'product') return `${workload.n}×${workload.k}`;
  return workload.kind === 'stack' ? `${workload.depth}×${workload.channels}` : workload.id;
}

/** d log(prediction) / d log(constant) for each fitted constant. */
function slopesOf(row: PublishedRow, target: Target): number[] {
  const before = predict(row, target);
  return (target.fitted ?? []).map(
    (path) => Math.log(predict(row, scaled(target, path.split('.'), 1 + STEP)) / before) / Math.log1p(STEP),
  );
}

/** The target with one figure multiplied. */
function scaled<T>(part: T, [key, ...rest]: string[], factor: number): T {
  const inner = part[key as keyof T] as unknown;
  if (rest.length > 0) return { ...part, [key]: scaled(inner, rest, factor) };
  const fact = inner as { value: number };
  return { ...part, [key]: { ...fact, value: fact.value * factor } };
}

/** The x that makes |slopes · x + residuals|² + PRIOR · |x|² least, by Gauss and Jordan: five unknowns at most. */
function leastSquares(slopes: readonly number[][], residuals: readonly number[]): number[] {
  const size = slopes[0]?.length ?? 0;
  const rows = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => dot(slopes, i, (s) => s[j]) + (i === j ? PRIOR : 0)),
    -dot(slopes, i, (_, r) => residuals[r]),
  ]);
  for (let i = 0; i < size; i++) {
    const pivot = rows[i].map((v) => v / rows[i][i]);
    for (let r = 0; r < size; r++)
      rows[r] = r === i ? pivot : rows[r].map((v, j) => v - rows[r][i] * pivot[j]);
  }
  return rows.map((row) => row[size]);
}

const dot = (slopes: readonly number[][], i: number, of: (slopes: number[], row: number) => number): number =>
  slopes.reduce((sum, s, r) => sum + s[i] * of(s, r), 0);
