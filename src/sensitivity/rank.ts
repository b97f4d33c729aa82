/** Least pairs that an order can be told of. */
const LEAST_PAIRS = 3;

/**
 * Spearman's rank correlation, −1…1: how alike two lists order the same things; equal values share the mean of their
 * ranks. Undefined for fewer than three pairs, and where one list is constant.
 */
export function rankCorrelation(pairs: readonly (readonly [number, number])[]): number | undefined {
  if (pairs.length < LEAST_PAIRS) return undefined;
  const [x, y] = [0, 1].map((side) => ranksOf(pairs.map((pair) => pair[side])));
  const mean = (pairs.length - 1) / 2;
  const sum = (f: (i: number) => number) => x.reduce((total, _, i) => total + f(i), 0);
  const spread = sum((i) => (x[i] - mean) ** 2) * sum((i) => (y[i] - mean) ** 2);
  return spread > 0 ? sum((i) => (x[i] - mean) * (y[i] - mean)) / Math.sqrt(spread) : undefined;
}

function ranksOf(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks: number[] = [];
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let at = from; at < to; at++) ranks[order[at]] = (from + to - 1) / 2;
  }
  return ranks;
}
