/** The fewest classes that make an output look like a classifier's; a pair is as often a box, a span or a mean. */
export const MIN_CLASSES = 3;

/** Rows × classes of an output that looks like a classifier's. */
export interface ClassRows {
  rows: number;
  classes: number;
}

/**
 * The rule: after trailing axes of size 1 are dropped ([1, 1000, 1, 1] → [1, 1000]), a float output of rank 1 or 2
 * with at least three values in its last axis holds one row of class scores for each index of the first.
 * It is only a look: for an embedding the agreement is that of the largest component, which does no harm.
 * @returns undefined for anything else
 */
export function classRows(dims: readonly number[]): ClassRows | undefined {
  let rank = dims.length;
  while (rank > 1 && dims[rank - 1] === 1) rank--;
  const classes = dims[rank - 1] ?? 0;
  if (rank < 1 || rank > 2 || classes < MIN_CLASSES) return undefined;
  const rows = rank === 2 ? dims[0] : 1;
  return rows > 0 ? { rows, classes } : undefined;
}

/**
 * Indices of the `count` largest of `classes` scores from `offset`, best first; the lower index wins a tie and NaN
 * loses to every number.
 */
export function best(scores: ArrayLike<number>, offset: number, classes: number, count: number): number[] {
  const top: number[] = [];
  const better = (a: number, b: number): boolean =>
    scores[offset + a] > scores[offset + b] ||
    (Number.isNaN(scores[offset + b]) && !Number.isNaN(scores[offset + a]));
  for (let i = 0; i < classes; i++) {
    if (top.length === count && !better(i, top[count - 1])) continue;
    let at = top.length;
    while (at > 0 && better(i, top[at - 1])) at--;
    top.splice(at, 0, i);
    if (top.length > count) top.pop();
  }
  return top;
}
