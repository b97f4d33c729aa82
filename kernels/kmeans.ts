import { type BlockShape, eachRun, scaleCount } from './blocks.js';

/**
 * Look-up tables that fit a set of numbers best: k-means in one dimension, whose optimum is a partition of the sorted
 * numbers and is found by dynamic programming (Wang and Song, "Ckmeans.1d.dp", R Journal 2011), each row of it by divide
 * and conquer in O(n log n).
 */

/** Distinct numbers above which neighbours are merged: they are closer to each other than a table of 256 can tell apart. */
const MOST_ATOMS = 4096;
/** Numbers above which they are counted in bins instead of sorted. */
const MOST_SORTED = 65_536;

/** Weighted numbers in ascending order; prefix sums are one longer. */
interface Atoms {
  n: number;
  weight: Float64Array;
  sum: Float64Array;
  square: Float64Array;
}

/** Tables of 2^bits ascending values for every group of a block shape, one after the other. */
export function lookUpTables(
  values: Float32Array,
  shape: BlockShape,
  bits: number,
  importance?: Float32Array,
): Float32Array {
  if (importance && importance.length !== values.length) {
    throw new RangeError(`${importance.length} weights for ${values.length} values`);
  }
  const size = 2 ** bits;
  const groups = scaleCount(shape);
  const tables = new Float32Array(groups * size);
  gather(values, shape, importance, (group, xs, hs) => tables.set(kMeans(xs, size, hs), group * size));
  return tables;
}

/** Calls `visit` with the values of one group after the other, whatever their places. */
function gather(
  values: Float32Array,
  shape: BlockShape,
  importance: Float32Array | undefined,
  visit: (group: number, xs: Float32Array, hs?: Float32Array) => void,
): void {
  const runs = new Map<number, [start: number, end: number][]>();
  eachRun(shape, (group, start, end) => {
    const found = runs.get(group) ?? [];
    found.push([start, end]);
    runs.set(group, found);
  });
  for (const [group, places] of runs) {
    visit(group, join(values, places), importance && join(importance, places));
  }
}

function join(values: Float32Array, places: readonly [number, number][]): Float32Array {
  if (places.length === 1) return values.subarray(...places[0]);
  const out = new Float32Array(places.reduce((n, [start, end]) => n + end - start, 0));
  let at = 0;
  for (const [start, end] of places) {
    out.set(values.subarray(start, end), at);
    at += end - start;
  }
  return out;
}

/**
 * The `size` numbers, ascending, that minimise Σ h·(x − nearest)²; exact up to 4,096 distinct finite numbers. Fewer distinct
 * numbers than `size` are followed by copies of the last; none at all make a table of zeros.
 * @param importance h ≥ 0, by default 1
 */
export function kMeans(values: Float32Array, size: number, importance?: Float32Array): Float32Array {
  const atoms = atomsOf(values, importance);
  const borders = atoms.n <= size ? singles(atoms.n, size) : partition(atoms, size);
  const table = new Float32Array(size);
  for (let k = 0; k < size; k++) {
    const [start, end] = [borders[k], borders[k + 1]];
    table[k] = start < end ? mean(atoms, start, end) : (table[k - 1] ?? 0);
  }
  return table;
}

const singles = (n: number, size: number): number[] =>
  Array.from({ length: size + 1 }, (_, k) => Math.min(k, n));

const mean = ({ sum, weight }: Atoms, start: number, end: number): number =>
  (sum[end] - sum[start]) / (weight[end] - weight[start]);

/** Σ h·(x − mean)² of atoms [start, end). */
const spread = ({ weight, sum, square }: Atoms, start: number, end: number): number => {
  const s = sum[end] - sum[start];
  return square[end] - square[start] - (s * s) / (weight[end] - weight[start]);
};

/** What the dynamic programme sees: finite numbers, equal ones as one atom, close ones too where there are many. */
function atomsOf(values: Float32Array, importance?: Float32Array): Atoms {
  const raw = values.length > MOST_SORTED ? binned(values, importance) : ordered(values, importance);
  const n = raw.weight.length;
  const width = n > MOST_ATOMS ? (raw.x[n - 1] - raw.x[0]) / (MOST_ATOMS / 2) : 0;
  const most = n > MOST_ATOMS ? n / (MOST_ATOMS / 2) : 1;
  const ends: number[] = [0];
  for (let start = 0; start < n; ) {
    let end = start + 1;
    while (end < n && (raw.x[end] === raw.x[start] || near(raw.x, start, end, width, most))) end++;
    ends.push(end);
    start = end;
  }
  return prefixSums(raw, ends);
}

const near = (x: Float64Array, start: number, end: number, width: number, most: number): boolean =>
  end - start < most && x[end] - x[start] < width;

/** Ascending numbers with their weights. */
interface Weighted {
  x: Float64Array;
  weight: Float64Array;
  sum: Float64Array;
  square: Float64Array;
}

const empty = (n: number): Weighted => ({
  x: new Float64Array(n),
  weight: new Float64Array(n),
  sum: new Float64Array(n),
  square: new Float64Array(n),
});

function add(into: Weighted, at: number, x: number, h: number): void {
  into.x[at] = x;
  into.weight[at] += h;
  into.sum[at] += h * x;
  into.square[at] += h * x * x;
}

const counts = (x: number, h: number): boolean => Number.isFinite(x) && h > 0;

function ordered(values: Float32Array, importance?: Float32Array): Weighted {
  const weightOf = (i: number): number => importance?.[i] ?? 1;
  const kept = Uint32Array.from(values.keys()).filter((i) => counts(values[i], weightOf(i)));
  kept.sort((a, b) => values[a] - values[b]);
  const out = empty(kept.length);
  kept.forEach((i, at) => {
    add(out, at, values[i], weightOf(i));
  });
  return out;
}

/** The same without sorting: numbers that share one of MOST_SORTED equal bins count as one, with their exact mean. */
function binned(values: Float32Array, importance?: Float32Array): Weighted {
  let [low, high] = [Infinity, -Infinity];
  for (const x of values) {
    if (x < low && x !== -Infinity) low = x;
    if (x > high && x !== Infinity) high = x;
  }
  const bins = empty(MOST_SORTED);
  const perUnit = high > low ? (MOST_SORTED - 1) / (high - low) : 0;
  for (let i = 0; i < values.length; i++) {
    const h = importance ? importance[i] : 1;
    if (counts(values[i], h)) add(bins, Math.floor((values[i] - low) * perUnit), values[i], h);
  }
  const filled = Uint32Array.from(bins.x.keys()).filter((i) => bins.weight[i] > 0);
  const pick = (from: Float64Array): Float64Array => Float64Array.from(filled, (i) => from[i]);
  return { x: pick(bins.x), weight: pick(bins.weight), sum: pick(bins.sum), square: pick(bins.square) };
}

function prefixSums(raw: Weighted, ends: readonly number[]): Atoms {
  const n = ends.length - 1;
  const over = (from: Float64Array): Float64Array => {
    const out = new Float64Array(n + 1);
    let total = 0;
    for (let atom = 0; atom < n; atom++) {
      for (let i = ends[atom]; i < ends[atom + 1]; i++) total += from[i];
      out[atom + 1] = total;
    }
    return out;
  };
  return { n, weight: over(raw.weight), sum: over(raw.sum), square: over(raw.square) };
}

/** Where each of `size` clusters begins, and the end: the partition of least spread. */
function partition(atoms: Atoms, size: number): number[] {
  const { n } = atoms;
  let before = Float64Array.from({ length: n + 1 }, (_, end) => (end > 0 ? spread(atoms, 0, end) : 0));
  const starts: Uint16Array[] = [new Uint16Array(n + 1)];
  for (let k = 1; k < size; k++) {
    const costs = new Float64Array(n + 1);
    const start = new Uint16Array(n + 1);
    solveRow({ atoms, before, costs, start }, k + 1, n, k, n - 1);
    before = costs;
    starts.push(start);
  }
  const borders = [n];
  for (let k = size - 1; k >= 0; k--) borders.unshift(starts[k][borders[0]]);
  return borders;
}

interface Row {
  atoms: Atoms;
  /** Least spread of the atoms before i in one cluster fewer. */
  before: Float64Array;
  costs: Float64Array;
  start: Uint16Array;
}

/** Ends [first, last] of the last cluster, whose best start lies in [low, high] and never moves back as the end moves on. */
function solveRow(row: Row, first: number, last: number, low: number, high: number): void {
  if (first > last) return;
  const end = (first + last) >> 1;
  let best = Infinity;
  let where = low;
  for (let start = low; start <= Math.min(high, end - 1); start++) {
    const cost = row.before[start] + spread(row.atoms, start, end);
    if (cost < best) {
      best = cost;
      where = start;
    }
  }
  row.costs[end] = best;
  row.start[end] = where;
  solveRow(row, first, end - 1, low, where);
  solveRow(row, end + 1, last, where, high);
}
