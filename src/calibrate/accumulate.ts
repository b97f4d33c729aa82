import { drainCounters, emptyHistogram, type Histogram } from '../../kernels/histogram.js';
import type { Extremes, Kernels } from '../../kernels/wasm.js';
import { MAX_EXTREMES, type TensorStats } from './types.js';

/** u32 counters are emptied into float64 ones before this many values could overflow them. */
const MAX_UNDRAINED = 2 ** 31;

/** What is known of one tensor so far; `counters` lie in the kernels' memory. */
export class Accumulator {
  readonly stats: TensorStats;
  private undrained = 0;
  /** What each value in the counters counts for. */
  private weight = 1;

  constructor(
    private readonly kernels: Kernels,
    /** Absent: only ranges are wanted. */
    private readonly counters: Uint32Array | undefined,
    earlier?: TensorStats,
  ) {
    this.stats = earlier ? copyStats(earlier) : emptyStats(counters !== undefined);
  }

  /**
   * Takes in all values of one sample. The array is used in place when it lies in the kernels' memory.
   * @returns whether all of them are finite
   */
  observe(values: Float32Array, sample: { id: string; index: number }): boolean {
    this.makeRoom(values.length, 1);
    const found = this.counters ? this.kernels.observe(values, this.counters) : this.kernels.minMax(values);
    this.add(found, sample);
    return found.nan + found.inf === 0;
  }

  /** Takes in one sample of a tensor in 0…max by `some` of its values, each standing for `weight` of them. */
  observeSome(
    known: { min: number; max: number; count: number; some?: Float32Array; weight: number },
    sample: { id: string; index: number },
  ): void {
    const { min, max, some, weight } = known;
    if (some && this.counters) {
      this.makeRoom(some.length, weight);
      this.kernels.histogram(some, this.counters);
    }
    const count = some ? some.length * weight : known.count;
    this.add({ min, max, count, nan: 0, inf: 0 }, sample);
  }

  private makeRoom(values: number, weight: number): void {
    if (weight !== this.weight || this.undrained + values > MAX_UNDRAINED) this.drain();
    this.weight = weight;
    this.undrained += values;
  }

  private add(found: Extremes, sample: { id: string; index: number }): void {
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
    if (!this.counters || this.undrained === 0) return;
    if (this.weight === 1) drainCounters(this.counters, this.stats);
    else this.drainWeighted(this.counters);
    this.undrained = 0;
  }

  private drainWeighted(counters: Uint32Array): void {
    const counted = emptyHistogram();
    drainCounters(counters, counted);
    for (const sign of ['positive', 'negative'] as const)
      for (let i = 0; i < counted[sign].length; i++) this.stats[sign][i] += this.weight * counted[sign][i];
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
