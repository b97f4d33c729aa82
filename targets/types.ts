/** A figure with its origin. `vendor`: stated by the maker; `measured`: by a third party or here; `inferred`: derived. */
export interface Fact {
  value: number;
  unit: string;
  kind: 'vendor' | 'measured' | 'inferred';
  source: string;
  /** Year-month of the source, "2024-09"; of the reading where the source is an undated page. */
  date: string;
}

/** A chip as data. No logic: a user's own JSON of this shape works too. */
export interface Target {
  id: string;
  name: string;
  aliases: string[];
  description: string;
  /** `modelled`: from the figures below. `measured`: by running the model here; then the figures may be absent. */
  timing: 'modelled' | 'measured';
  /** What `--target` means when the scheme names no activation format. */
  activations: {
    format: string;
    /** Zero points allowed, or every grid centred on zero. */
    symmetric: boolean;
    reason: string;
  };
  /** Format of everything that is not quantized there. */
  floatFormat: 'float32' | 'float16' | 'bfloat16';
  /**
   * What an integer convolution writes. `float`: its accumulators can leave in floatFormat for a reader that computes
   * in float. `integer`: integers only, so its output is rounded whoever reads it.
   */
  kernelOutputs: 'float' | 'integer';
  /** Peak operations a second (1 MAC = 2 operations) by format of the multiplicands, dense. Unit op/s. */
  peak: Record<string, Fact>;
  /** Share of peak that real kernels reach, by format. */
  utilisation: Record<string, Fact>;
  /** The same for convolutions, by format, where it differs from matrix products. */
  convUtilisation?: Record<string, Fact>;
  /** Output channels that one pass computes: a layer with fewer reaches channels / lanes of the rate. */
  outputLanes?: Fact;
  memory?: {
    bytes: Fact;
    bandwidth: Fact;
    /** Share of bandwidth that real kernels reach. */
    efficiency: Fact;
    /** Activations of at most half of this stay on the chip. Absent: all of them go to main memory. */
    onChipBytes?: Fact;
    /** Bytes a second of the graph's inputs and outputs where these are slower than weights; already achieved, not peak. */
    activationBandwidth?: Fact;
  };
  /** Seconds a run (dispatch) and a kernel cost however small they are. */
  overhead?: { dispatch: Fact; kernel: Fact };
  /** Absent: nothing is known, and reports say no energy. */
  power?: {
    idle: Fact;
    /** Highest sustained, or typical where only that is known. */
    peak: Fact;
    /** Energy per operation in pJ by format, above idle. */
    operation: Record<string, Fact>;
    /** Energy per byte moved from or to main memory in pJ. */
    memoryByte: Fact;
    /** Energy of one run in mJ, however small it is. */
    call?: Fact;
  };
  /** Operators that run in the integer format there; others fall to floatFormat. "*" = all. */
  integerOperators: string[];
  /** Relative error of modelled latency and energy against published measurements; energy 1 = a factor of two. */
  errorBand?: { latency: Fact; energy: Fact };
  /** Sentences a reader must know: what nothing validates, where sources disagree. */
  caveats: string[];
}
