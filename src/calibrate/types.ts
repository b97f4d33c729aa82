/** Per-sample extremes that are kept of each tensor. */
export const MAX_EXTREMES = 4096;

/**
 * What one pass over the samples leaves of a tensor: fixed size, exact to merge.
 * Histogram: bucket = float32 bits of |x| >> 18 (32 buckets an octave, relative width 1/32); see kernels/histogram.ts.
 */
export interface TensorStats {
  /** Finite values seen. */
  count: number;
  min: number;
  max: number;
  nan: number;
  inf: number;
  /** First sample with a NaN or an infinity, and its index. */
  firstBadSample?: string;
  firstBadIndex?: number;
  /** Counts of x > 0 (and x = +0, −0 in bucket 0) and of x < 0 by bucket of |x|; exact integers. */
  positive: Float64Array;
  negative: Float64Array;
  /** Per-sample extremes in sample order, the last 4096 at most, for the moving average. */
  extremes: { index: number; min: number; max: number }[];
}

export interface Stats {
  /** sha256 of the model file and of everything that changes what is measured. */
  modelHash: string;
  settingsHash: string;
  kind: 'real' | 'synthetic';
  source: string;
  /** Indices of the samples that are in, as sorted disjoint [first, last] runs. */
  samples: [number, number][];
  sampleCount: number;
  tensors: Map<string, TensorStats>;
}

/** What a range is wanted for. */
export interface RangeRequest {
  /** Steps of the grid: 255 for 8 bits over the full range, 254 for symmetric int8 −127…127. */
  steps: number;
  /** Grid centred on zero. */
  symmetric: boolean;
}

export interface Range {
  min: number;
  max: number;
}

/** A row of the calibration-method registry. */
export interface CalibrationMethod {
  id: string;
  description: string;
  /** Pure: the same statistics give the same range. */
  range(stats: TensorStats, request: RangeRequest): Range;
  /** What a number after the name sets (`percentile:99.9`), where the method takes one. */
  parameter?: MethodParameter;
}

export interface MethodParameter {
  description: string;
  default: number;
  /** Open interval of sensible values. */
  above: number;
  below: number;
  /** The method with another value. */
  with(value: number): CalibrationMethod;
}
