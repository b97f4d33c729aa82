import { entropyOf } from './information.js';

/** Scores that are not negative and sum to 1 within this are probabilities already. */
const SUM_TOLERANCE = 1e-3;

/**
 * KL(P ‖ Q) in nats of two rows of `n` scores from `offset`: probabilities as they are, any other scores by their
 * softmax. Probabilities of 0 in Q count as the smallest float32, so that the result stays finite.
 */
export function rowDivergence(x: ArrayLike<number>, y: ArrayLike<number>, offset: number, n: number): number {
  const [p, q] = [logProbabilities(x, offset, n), logProbabilities(y, offset, n)];
  let sum = 0;
  for (let i = 0; i < n; i++) if (p[i] > LOG_LEAST) sum += Math.exp(p[i]) * (p[i] - q[i]);
  return Math.max(0, sum);
}

const LOG_LEAST = Math.log(1.17549435e-38);

function logProbabilities(scores: ArrayLike<number>, offset: number, n: number): Float64Array {
  let [sum, least, most] = [0, Infinity, -Infinity];
  for (let i = 0; i < n; i++) {
    const s = scores[offset + i];
    sum += s;
    least = Math.min(least, s);
    most = Math.max(most, s);
  }
  const logs = new Float64Array(n);
  if (least >= 0 && Math.abs(sum - 1) < SUM_TOLERANCE) {
    for (let i = 0; i < n; i++) logs[i] = Math.max(LOG_LEAST, Math.log(scores[offset + i] / sum));
    return logs;
  }
  let total = 0;
  for (let i = 0; i < n; i++) total += Math.exp(scores[offset + i] - most);
  const shift = most + Math.log(total);
  for (let i = 0; i < n; i++) logs[i] = Math.max(LOG_LEAST, scores[offset + i] - shift);
  return logs;
}

/** Counts of pairs: rows × columns, row by row. */
export interface JointCounts {
  counts: Float64Array;
  columns: number;
}

/**
 * I(X;Y) = H(X) + H(Y) − H(X,Y) in bits of counted pairs, each entropy with the correction of Miller and Madow
 * (+ (K − 1) / 2N ln 2 for K non-empty cells): few samples in many cells would look dependent by chance.
 */
export function mutualInformation({ counts, columns }: JointCounts): number {
  const rows = counts.length / columns;
  const [x, y] = [new Float64Array(rows), new Float64Array(columns)];
  counts.forEach((count, i) => {
    x[Math.floor(i / columns)] += count;
    y[i % columns] += count;
  });
  const [hx, hy, joint] = [x, y, counts].map(correctedEntropy);
  return Math.max(0, Math.min(hx + hy - joint, hx, hy));
}

/** Shannon entropy in bits, corrected for the number of samples. */
export function correctedEntropy(counts: Float64Array): number {
  let [total, cells] = [0, 0];
  for (const count of counts) {
    total += count;
    if (count > 0) cells++;
  }
  return total === 0 ? 0 : entropyOf(counts) + (cells - 1) / (2 * total * Math.LN2);
}

/** What two ways of computing the same values share. In bits a value, at the resolution of the bins. */
export interface SharedInformation {
  /** Entropy of the first, and what the second tells of it. */
  entropy: number;
  mutual: number;
  /** KL(first ‖ second) of the two histograms. */
  divergence: number;
}

/** Bins over the range of the first: enough for 8 bits to show losses, few enough for a thousand values. */
const BINS = 64;
const LOOKED_AT = 1 << 16;
/** Added to each bin of the second: an empty one would make the divergence infinite. */
const SMOOTHING = 0.5;

/** Joint histogram of two equally long arrays, of at most 65,536 values evenly spread; pairs that are not finite are left out. */
export class JointHistogram {
  private readonly counts = new Float64Array(BINS * BINS);
  private low = 0;
  private perUnit = 0;
  private ready = false;

  /** The first values set the range of the bins; later ones beyond it count in the outermost. */
  add(x: ArrayLike<number>, y: ArrayLike<number>): void {
    const stride = Math.max(1, Math.floor(x.length / LOOKED_AT));
    if (!this.ready) this.settle(x, stride);
    for (let i = 0; i < x.length; i += stride)
      if (Number.isFinite(x[i]) && Number.isFinite(y[i]))
        this.counts[this.bin(x[i]) * BINS + this.bin(y[i])]++;
  }

  private settle(x: ArrayLike<number>, stride: number): void {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < x.length; i += stride)
      if (Number.isFinite(x[i])) {
        low = Math.min(low, x[i]);
        high = Math.max(high, x[i]);
      }
    if (low > high) return;
    this.ready = true;
    this.low = low;
    this.perUnit = high > low ? BINS / (high - low) : 0;
  }

  private bin = (v: number): number =>
    Math.min(BINS - 1, Math.max(0, Math.floor((v - this.low) * this.perUnit)));

  get information(): SharedInformation {
    const [x, y] = [new Float64Array(BINS), new Float64Array(BINS)];
    this.counts.forEach((count, i) => {
      x[Math.floor(i / BINS)] += count;
      y[i % BINS] += count;
    });
    const joint = { counts: this.counts, columns: BINS };
    return { entropy: correctedEntropy(x), mutual: mutualInformation(joint), divergence: divergence(x, y) };
  }
}

/** KL(p ‖ q) in bits of two histograms of as many values. */
export function divergence(p: Float64Array, q: Float64Array): number {
  const total = p.reduce((sum, count) => sum + count, 0);
  const smoothed = q.reduce((sum, count) => sum + count + SMOOTHING, 0);
  let sum = 0;
  for (let i = 0; i < p.length; i++)
    if (p[i] > 0) sum += (p[i] / total) * Math.log2(p[i] / total / ((q[i] + SMOOTHING) / smoothed));
  return total === 0 ? 0 : Math.max(0, sum);
}
