/** Sets of sample indices as sorted disjoint [first, last] runs. */
export type Runs = [number, number][];

export function contains(runs: Runs, index: number): boolean {
  let low = 0;
  let high = runs.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = runs[middle];
    if (index < first) high = middle - 1;
    else if (index > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** Adds an index that is in none of the runs. */
export function add(runs: Runs, index: number): void {
  let at = runs.length;
  while (at > 0 && runs[at - 1][0] > index) at--;
  const before = runs[at - 1]?.[1] === index - 1;
  const after = runs[at]?.[0] === index + 1;
  if (before && after) runs.splice(at - 1, 2, [runs[at - 1][0], runs[at][1]]);
  else if (before) runs[at - 1] = [runs[at - 1][0], index];
  else if (after) runs[at] = [index, runs[at][1]];
  else runs.splice(at, 0, [index, index]);
}

/** The union; undefined, with the first common index, when the sets overlap. */
export function union(parts: Runs[]): { runs: Runs } | { overlap: number } {
  const all = parts.flat().sort((a, b) => a[0] - b[0]);
  const runs: Runs = [];
  for (const [first, last] of all) {
    const previous = runs.at(-1);
    if (previous && first <= previous[1]) return { overlap: first };
    if (previous && first === previous[1] + 1) previous[1] = last;
    else runs.push([first, last]);
  }
  return { runs };
}

export const size = (runs: Runs): number => runs.reduce((n, [first, last]) => n + last - first + 1, 0);
