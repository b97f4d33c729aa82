/** A figure with its origin. `vendor`: stated by the maker; `measured`: by a third party or here; `inferred`: derived. */
export interface Fact {
  value: number;
  unit: string;
  kind: 'vendor' | 'measured' | 'inferred';
  source: string;
  /** Year-month of the source, "2024-09"; of the reading where the source is an undated page. */
  date: string;
}

/**
 * What a compiler fuses besides element-wise tails. `rows`: reductions over rows with the element-wise nodes around
 * them; `attention`: both products of attention with the softmax between, so that scores never leave the chip;
 * `transpose`: transposes, into how a product reads or writes; `siblings`: products of the same input by several
 * weights, into one; `pointwise`: 1×1 convolutions in a row pass tiles on, without storing what is between them.
 */
export type Fusion = 'rows' | 'attention' | 'transpose' | 'siblings' | 'pointwise';

/**
 * What sets ready kernels apart from compiled ones: nodes are joined by a list, views are nodes too, a convolution
 * gathers its inputs and always takes the array, and weights must be known beforehand to be laid out for it. Seconds.
 */
export interface Library {
  /** Element-wise operators that a float convolution or product takes in, and those that rounding to codes takes in. */
  epilogues: string[];
  clamps: string[];
  /** To copy what an integer filter reads at one of its positions, and to walk there where the array is filled. */
  gather: Fact;
  walk: Fact;
  /** To gather one value of a float convolution whose weights change between runs. */
  column: Fact;
  /** Of one value of an element-wise node of integers. */
  integerElement: Fact;
  /** To lay one value out anew where integer convolutions begin or end. */
  layout: Fact;
  /** To decode one weight whose scale changes with every value along a row. */
  decodeRow: Fact;
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
  /** What compiles models for it, where that has rules of its own for Q/DQ pairs. */
  runtime?: 'tensorrt';
  /** What its models are packed in, where its runtime loads no ONNX. */
  package?: 'mlpackage' | 'savedmodel';
  /** Format of everything that is not quantized there. */
  floatFormat: 'float32' | 'float16' | 'bfloat16';
  /**
   * What an integer convolution writes. `float`: its accumulators can leave in floatFormat for a reader that computes
   * in float. `integer`: integers only, so its output is rounded whoever reads it.
   */
  kernelOutputs: 'float' | 'integer';
  /** Peak operations a second (1 MAC = 2 operations) by format of the multiplicands, dense. Unit op/s. */
  peak: Record<string, Fact>;
  /** The same with half of the weights zero in a pattern that the array skips. */
  sparsePeak?: Record<string, Fact>;
  /** Share of peak that real kernels reach, by format. */
  utilisation: Record<string, Fact>;
  /** The same for convolutions, by format, where it differs from matrix products. */
  convUtilisation?: Record<string, Fact>;
  /**
   * Share of `utilisation` that products reach one behind another in a network; a product alone is measured at its best
   * shape, with clock, power and caches for itself. Absent: all of it.
   */
  sustained?: Fact;
  /** Operations a second beside the array: element-wise ones, and products that are too thin for it. Reached, not peak. */
  vector?: Fact;
  /** Share of `vector` that products reach there, by format. Absent: all of it. */
  vectorUtilisation?: Record<string, Fact>;
  /**
   * How a product m × n × k is cut: tiles of rows × columns outputs, k padded to depth; `units` tiles are computed at a
   * time (absent: any number).
   */
  array?: { rows: Fact; columns: Fact; depth: Fact; units?: Fact };
  /**
   * Vector operations to decode one stored weight into the format that is multiplied, once for each row of tiles. Absent:
   * hardware does it.
   */
  decode?: Fact;
  /** Vector operations to round one output of an integer kernel to codes. Absent: hardware does it. */
  requantize?: Fact;
  /**
   * Vector operations to round one value to a code, or to turn one back, around a kernel that computes in float; either
   * is a kernel too. Absent: other kernels do it on the way.
   */
  convert?: Fact;
  /** Absent: element-wise tails only. */
  fusion?: Fusion[];
  /** How a library of ready kernels runs a graph, where no compiler lowers it. Absent: a compiler does. */
  library?: Library;
  /** Output channels that one pass computes: a layer with fewer reaches channels / lanes of the rate. */
  outputLanes?: Fact;
  memory?: {
    bytes: Fact;
    bandwidth: Fact;
    /** Share of bandwidth that real kernels reach. */
    efficiency: Fact;
    /** Activations of at most half of this stay on the chip. Absent: all of them go to main memory. */
    onChipBytes?: Fact;
    /** Bytes a second between kernels on the chip; already achieved. Absent: of no account. */
    onChipBandwidth?: Fact;
    /** Rows of activations (their last axis) are padded to a multiple of so many bytes. */
    rowBytes?: Fact;
    /** Bytes a second of activations in main memory where these are slower than weights; already achieved, not peak. */
    activationBandwidth?: Fact;
  };
  /**
   * Seconds a run (dispatch) and a kernel cost however small they are; `integer`: what a kernel of integers costs more;
   * `step`: what a serving engine adds to each step
   * of generation (scheduling, sampling), `prompt`: what it adds to the first token of each sequence.
   */
  overhead?: { dispatch: Fact; kernel: Fact; integer?: Fact; step?: Fact; prompt?: Fact };
  /** Bytes a second between chips of this kind, one way. */
  link?: Fact;
  /** Operators that the chip does not run, and what it costs to leave it for them and come back. */
  fallback?: {
    to: string;
    operators: string[];
    switch: Fact;
    /** Elements of an axis, and of a side of an averaging window, beyond which an operator leaves the chip too. */
    longestAxis?: Fact;
    widestAverage?: Fact;
  };
  /** Absent: nothing is known, and reports say no energy. */
  power?: {
    idle: Fact;
    /** Highest sustained, or typical where only that is known. */
    peak: Fact;
    /** The chip lowers its clock so as not to draw more than this in the mean. Absent: bursts may. */
    limit?: Fact;
    /** Energy per operation in pJ by format, above idle. */
    operation: Record<string, Fact>;
    /** Energy per byte moved from or to main memory in pJ. */
    memoryByte: Fact;
    /** The same for a byte between kernels that stays on the chip. */
    onChipByte?: Fact;
    /** Typical under load, where published. */
    typical?: Fact;
    /** Energy of one run in mJ, however small it is. */
    call?: Fact;
  };
  /** A device that runs on a battery: its watt-hours, and the watts that its cooling sustains. */
  battery?: { wattHours: Fact; sustained: Fact };
  /** Constants fitted to measurements, and to which; the rest is stated or measured by others. */
  fitted?: string[];
  /** Operators that run in the integer format there; others fall to floatFormat. "*" = all. */
  integerOperators: string[];
  /**
   * Relative error of modelled latency and energy against published measurements; energy 1 = a factor of two. `kinds`:
   * that of the latency for kinds of networks that measurements validate, "convolutions int8" or "products fp8".
   */
  errorBand?: { latency: Fact; energy: Fact; kinds?: Record<string, Fact> };
  /** Sentences a reader must know: what nothing validates, where sources disagree. */
  caveats: string[];
}
