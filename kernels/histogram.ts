/**
 * The exponent histogram: a float32 counts in the bucket of its bits >> 18, that is 32 buckets an octave of |x|,
 * each 1/32 to 1/64 of its lower edge wide, over the whole range of float32 and for either sign. Bucket 0 holds ±0.
 * A bucket is [lower edge, next lower edge).
 */
import { COUNTERS } from './memory.js';

const SHIFT = 18;
/** Finite buckets of one sign. */
export const BUCKETS = 0x7f800000 >>> SHIFT;
/** Where the negative half of the counters begins, and where the zeros are counted, one counter a SIMD lane. */
const NEGATIVE = 1 << (31 - SHIFT);
const ZEROS = 2 * NEGATIVE;

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** Bucket of |x|. Throws RangeError for NaN and Infinity, which have none. */
export function bucketOf(x: number): number {
  float[0] = Math.abs(x);
  const bucket = bits[0] >>> SHIFT;
  if (bucket >= BUCKETS) throw new RangeError(`no bucket for ${x}`);
  return bucket;
}

/** Lower edges of all buckets and, last, the upper edge of the last one (2^128). */
export const EDGES: Float64Array = Float64Array.from({ length: BUCKETS + 1 }, (_, bucket) => {
  bits[0] = bucket << SHIFT;
  return bucket === BUCKETS ? 2 ** 128 : float[0];
});

/** Counts of one tensor, exact as float64: what `TensorStats` keeps. */
export interface Histogram {
  /** x ≥ 0, zeros of either sign included, by bucket. */
  positive: Float64Array;
  /** x < 0 by bucket of |x|. */
  negative: Float64Array;
}

export const emptyHistogram = (): Histogram => ({
  positive: new Float64Array(BUCKETS),
  negative: new Float64Array(BUCKETS),
});

/** Adds the u32 counters of the SIMD kernels to a histogram and clears them; do so before 2^32 values are counted. */
export function drainCounters(counters: Uint32Array, into: Histogram): void {
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    into.positive[bucket] += counters[bucket];
    into.negative[bucket] += counters[NEGATIVE + bucket];
  }
  for (let lane = ZEROS; lane < COUNTERS; lane++) into.positive[0] += counters[lane];
  counters.fill(0);
}

/** The plain version of the SIMD kernel: counts the finite values. */
export function addToHistogram(values: Float32Array, into: Histogram): void {
  for (const x of values) {
    if (!Number.isFinite(x)) continue;
    (x < 0 ? into.negative : into.positive)[bucketOf(x)]++;
  }
}

/** Adds `from` to `into`: the result of one pass over both, in any order. */
export function mergeHistograms(into: Histogram, from: Histogram): void {
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    into.positive[bucket] += from.positive[bucket];
    into.negative[bucket] += from.negative[bucket];
  }
}

const sum = (counts: Float64Array): number => counts.reduce((a, b) => a + b, 0);

/** The magnitude below which `rank` of the counted values lie, linear inside a bucket; bucket 0 is the value 0. */
export function magnitudeAtRank(counts: Float64Array, rank: number): number {
  let below = 0;
  let last = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    if (counts[bucket] === 0) continue;
    last = bucket;
    if (below + counts[bucket] >= rank) break;
    below += counts[bucket];
  }
  if (last === 0) return 0;
  const inside = Math.min(1, Math.max(0, (rank - below) / counts[last]));
  return EDGES[last] + inside * (EDGES[last + 1] - EDGES[last]);
}

/**
 * The value below which a share `p` of the values lies, 0…1. Accurate to the width of a bucket (1/32 of the value), so
 * callers that know the exact extremes clamp to them. An empty histogram gives 0.
 */
export function quantile({ positive, negative }: Histogram, p: number): number {
  const below = sum(negative);
  const rank = p * (below + sum(positive));
  // Among the negative values the smallest come last in order of magnitude. Adding 0 turns −0 into 0.
  return rank < below ? 0 - magnitudeAtRank(negative, below - rank) : magnitudeAtRank(positive, rank - below);
}

/** The same for |x|. */
export function magnitudeQuantile({ positive, negative }: Histogram, p: number): number {
  const both = positive.map((count, bucket) => count + negative[bucket]);
  return magnitudeAtRank(both, p * sum(both));
}
