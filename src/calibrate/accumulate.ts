import { drainCounters, emptyHistogram, type Histogram } from '../../kernels/histogram.js';
import type { Extremes, Kernels } from '../../kernels/wasm.js';
import { MAX_EXTREMES, type TensorStats } from './types.js';

/** u32 counters are emptied into float64 ones before this many values could overflow them. */
const MAX_UNDRAINED = 2 ** 31;

/** What is known of one tensor so far; `counters` lie in the kernels' memory. */
export class Accumulator {
  readonly stats: TensorStats;
  private undrained = 0;

  constructor(
    private readonly kernels: Kernels,
    /** Absent: only ranges are wanted. */
    private readonly counters: Uint32Array | undefined,
    earlier?: TensorStats,
  ) {
    this.stats = earlier ? copyStats(earlier) : emptyStats(counters !== undefined);
  }

  /** Takes in all values of one sample. The array is used in place when it lies in the kernels' memory. */
  observe(values: Float32Array, sample: { id: string; index: number }): void {
    if (this.counters && this.undrained + values.length > MAX_UNDRAINED) this.drain();
    this.undrained += values.length;
    const found = this.counters ? this.kernels.observe(values, this.counters) : this.kernels.minMax(values);
    this.add(found, sample);
  }

  /** Takes in what is already known of one sample. */
  add(found: Extremes, sample: { id: string; index: number }): void {
    const { stats } = this;
    stats.count += found.count;
    stats.nan += found.nan;
    stats.inf += found.inf;
    if (found.nan + found.inf > 0 && !(sample.index >= (stats.firstBadIndex ?? Number.POSITIVE_INFINITY))) {
      stats.firstBadSample = sample.id;
      stats.firstBadIndex = sample.index;
    }
    if (found.count === 0) return;
    // Adding zero turns −0 into 0, so that which of the two came first leaves no trace.
    const [min, max] = [found.min + 0, found.max + 0];
    stats.min = Math.min(stats.min, min);
    stats.max = Math.max(stats.max, max);
    stats.extremes.push({ index: sample.index, min, max });
    if (stats.extremes.length >= 2 * MAX_EXTREMES) stats.extremes = stats.extremes.slice(-MAX_EXTREMES);
  }

  /** The statistics as they stand, independent of what is observed later. */
  snapshot(): TensorStats {
    this.drain();
    return copyStats(this.stats);
  }

  private drain(): void {
    if (!this.counters) return;
    drainCounters(this.counters, this.stats);
    this.undrained = 0;
  }
}

const noHistogram = (): Histogram => ({ positive: new Float64Array(0), negative: new Float64Array(0) });

/** Nothing seen yet. Without a histogram its arrays are empty. */
export const emptyStats = (histogram: boolean): TensorStats => ({
  count: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  nan: 0,
  inf: 0,
  ...(histogram ? emptyHistogram() : noHistogram()),
  extremes: [],
});

export const copyStats = (stats: TensorStats): TensorStats => ({
  ...stats,
  positive: stats.positive.slice(),
  negative: stats.negative.slice(),
  extremes: stats.extremes.slice(-MAX_EXTREMES),
});
