import { BUCKETS, EDGES, type Histogram } from './histogram.js';

/**
 * One sign of a histogram as a density: piece i holds `count[i]` values spread evenly over the magnitudes
 * [low[i], high[i]], ascending. Prefix sums (one longer) give the count, Σ|x| and Σx² of the pieces before i.
 */
export interface Side {
  low: Float64Array;
  high: Float64Array;
  count: Float64Array;
  counts: Float64Array;
  sums: Float64Array;
  squares: Float64Array;
}

export interface Sides {
  positive: Side;
  negative: Side;
}

/** Both sides of a histogram whose exact extremes are known: they bound the outermost buckets. */
export function sidesOf(histogram: Histogram, min: number, max: number): Sides {
  return {
    positive: sideOf(histogram.positive, min, max),
    negative: sideOf(histogram.negative, -max, -min),
  };
}

function sideOf(buckets: Float64Array, smallest: number, largest: number): Side {
  const low: number[] = [];
  const high: number[] = [];
  const count: number[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    if (buckets[bucket] === 0) continue;
    // Bucket 0 is the value 0; what else falls into it is below 2^-131.
    const top = bucket === 0 ? 0 : Math.min(EDGES[bucket + 1], largest);
    low.push(Math.min(top, Math.max(EDGES[bucket], smallest)));
    high.push(top);
    count.push(buckets[bucket]);
  }
  return { ...withSums(low, high, count) };
}

function withSums(low: number[], high: number[], count: number[]): Side {
  const counts = new Float64Array(count.length + 1);
  const sums = new Float64Array(count.length + 1);
  const squares = new Float64Array(count.length + 1);
  for (let i = 0; i < count.length; i++) {
    const [a, b, n] = [low[i], high[i], count[i]];
    counts[i + 1] = counts[i] + n;
    sums[i + 1] = sums[i] + (n * (a + b)) / 2;
    squares[i + 1] = squares[i] + (n * (a * a + a * b + b * b)) / 3;
  }
  return {
    low: Float64Array.from(low),
    high: Float64Array.from(high),
    count: Float64Array.from(count),
    counts,
    sums,
    squares,
  };
}

/** Index of the first element of an ascending array that exceeds `x` (or equals it, with `orEqual`). */
export function firstAbove(ascending: Float64Array, x: number, orEqual = false): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > x || (orEqual && ascending[middle] === x)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Counts of |x| of both sides in `bins` equal bins of [0, range), and `beyond` of what lies above. Inside a bucket the
 * density is linear with the slope of its neighbours, not flat: with flat buckets, wider than a bin, coarser levels
 * would lose nothing and every divergence would be 0.
 */
export function linearBins(
  sides: Sides,
  range: number,
  bins: number,
): { bins: Float64Array; beyond: number } {
  const below = new Float64Array(bins + 1);
  let total = 0;
  for (const side of [sides.positive, sides.negative]) {
    total += side.counts[side.count.length];
    addCumulative(side, range, below);
  }
  const out = new Float64Array(bins);
  // What lies at 0 itself belongs to the first bin, so that bin counts from nothing.
  for (let j = 0; j < bins; j++) out[j] = below[j + 1] - (j === 0 ? 0 : below[j]);
  return { bins: out, beyond: Math.max(0, total - below[bins]) };
}

/** Adds the number of values up to each of the edges of equal bins. */
function addCumulative(side: Side, range: number, below: Float64Array): void {
  const bins = below.length - 1;
  const n = side.count.length;
  let piece = 0;
  for (let j = 0; j <= bins; j++) {
    const x = (range * j) / bins;
    while (piece < n && side.high[piece] <= x) piece++;
    const inside = piece < n && side.low[piece] < x;
    below[j] += side.counts[piece] + (inside ? side.count[piece] * shareBelow(side, piece, x) : 0);
  }
}

/** Share of a piece below x: ∫ 1 + g·(2t − 1) = t + g·(t² − t), |g| ≤ 1, t the place of x within the piece. */
function shareBelow(side: Side, piece: number, x: number): number {
  const width = side.high[piece] - side.low[piece];
  const t = (x - side.low[piece]) / width;
  return t + tilt(side, piece) * (t * t - t);
}

const density = (side: Side, i: number): number => side.count[i] / (side.high[i] - side.low[i]);
const center = (side: Side, i: number): number => (side.low[i] + side.high[i]) / 2;

/** Half the change of density across a piece over its density, the smaller of both neighbours' slopes (minmod). */
function tilt(side: Side, i: number): number {
  if (i === 0 || i + 1 >= side.count.length) return 0;
  if (side.low[i] > side.high[i - 1] || side.high[i] < side.low[i + 1]) return 0;
  const own = density(side, i);
  const left = (own - density(side, i - 1)) / (center(side, i) - center(side, i - 1));
  const right = (density(side, i + 1) - own) / (center(side, i + 1) - center(side, i));
  if (!(left * right > 0)) return 0;
  const slope = Math.abs(left) < Math.abs(right) ? left : right;
  return Math.min(1, Math.max(-1, (slope * (side.high[i] - side.low[i])) / (2 * own)));
}
