export interface EntropyOptions {
  /**
   * Put the clipped counts on the last bin that is not empty (default). Without it they go to the last bin of the
   * candidate as in TensorRT, and an empty one makes the divergence infinite: such thresholds are never chosen.
   */
  smoothing?: boolean;
  /** Candidates are this many bins apart. */
  stride?: number;
  /** Counts above the last bin. */
  beyond?: number;
  /**
   * Share of the counts that a threshold must leave unclipped. Without a limit, a threshold below nearly everything
   * wins where values keep away from zero: all counts clipped into one bin agree perfectly with themselves.
   */
  keep?: number;
}

export interface EntropyThreshold {
  /** The threshold is the upper edge of bin `bin − 1`. */
  bin: number;
  /** Kullback–Leibler divergence there, in nats. */
  divergence: number;
}

/**
 * The clipping threshold of least divergence between the histogram P of |x|, clipped counts at its end, and its
 * picture Q in `levels` equal levels (counts averaged over the non-empty bins of a level). Migacz, "8-bit inference with
 * TensorRT", GTC 2017, with candidates of `levels` to all bins, bin 0 replaced by bin 1 (the zeros of ReLU say nothing
 * of the range) and the last of equal minima. Prefix sums make a candidate cost O(levels).
 */
export function entropyThreshold(
  counts: ArrayLike<number>,
  levels: number,
  { smoothing = true, stride = 1, beyond = 0, keep = 0 }: EntropyOptions = {},
): EntropyThreshold {
  const sums = prefixSums(counts);
  const total = sums.count[counts.length] + beyond;
  let best: EntropyThreshold = { bin: counts.length, divergence: Infinity };
  for (let bin = levels; bin <= counts.length; bin += stride) {
    if (sums.count[bin] < keep * total) continue;
    const tailBin = smoothing ? sums.lastFilled[bin] : bin - 1;
    const divergence = divergenceAt(sums, bin, tailBin, total, levels);
    if (divergence <= best.divergence) best = { bin, divergence };
  }
  return best;
}

/** Sums over the bins before i. */
interface PrefixSums {
  bins: Float64Array;
  count: Float64Array;
  filled: Float64Array;
  /** Σ h·ln h. */
  information: Float64Array;
  /** Last non-empty bin before i, −1 for none. */
  lastFilled: Int32Array;
}

const xlogx = (x: number): number => (x > 0 ? x * Math.log(x) : 0);

function prefixSums(counts: ArrayLike<number>): PrefixSums {
  const n = counts.length;
  const bins = Float64Array.from(counts);
  bins[0] = bins[1];
  const count = new Float64Array(n + 1);
  const filled = new Float64Array(n + 1);
  const information = new Float64Array(n + 1);
  const lastFilled = new Int32Array(n + 1).fill(-1);
  for (let i = 0; i < n; i++) {
    count[i + 1] = count[i] + bins[i];
    filled[i + 1] = filled[i] + (bins[i] > 0 ? 1 : 0);
    information[i + 1] = information[i] + xlogx(bins[i]);
    lastFilled[i + 1] = bins[i] > 0 ? i : lastFilled[i];
  }
  return { bins, count, filled, information, lastFilled };
}

/** KL(P ‖ Q) = Σ P·ln P − Σ P·ln Q, both normalised, for a threshold at `bin` with the clipped counts in `tailBin`. */
function divergenceAt(sums: PrefixSums, bin: number, tailBin: number, total: number, levels: number): number {
  const inside = sums.count[bin];
  const tail = total - inside;
  const tailCount = tailBin < 0 ? 0 : sums.bins[tailBin];
  if (inside === 0 || (tail > 0 && tailCount === 0)) return Infinity;
  const own = sums.information[bin] - xlogx(tailCount) + xlogx(tailCount + tail);
  let crossed = 0;
  let start = 0;
  for (let level = 1; level <= levels; level++) {
    const end = Math.ceil((level * bin) / levels);
    const count = sums.count[end] - sums.count[start];
    if (count > 0) {
      const weight = tailBin >= start && tailBin < end ? count + tail : count;
      crossed += weight * Math.log(count / (sums.filled[end] - sums.filled[start]));
    }
    start = end;
  }
  return (own - crossed) / total - Math.log(total / inside);
}
