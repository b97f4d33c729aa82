/** A figure with its origin. `vendor`: stated by the maker; `measured`: by a third party or here; `inferred`: derived. */
export interface Fact {
  value: number;
  unit: string;
  kind: 'vendor' | 'measured' | 'inferred';
  source: string;
  /** Year-month of the source, "2024-09". */
  date: string;
}

/** A chip as data. No logic: a user's own JSON of this shape works too. */
export interface Target {
  id: string;
  name: string;
  aliases: string[];
  description: string;
  /** What `--target` means when the scheme names no activation format. */
  activations: {
    format: string;
    /** Zero points allowed, or every grid centred on zero. */
    symmetric: boolean;
    reason: string;
  };
  /** Format of everything that is not quantized there. */
  floatFormat: 'float32' | 'float16' | 'bfloat16';
  /** Peak operations a second (1 MAC = 2 operations) by format of the multiplicands, dense. */
  peak: Record<string, Fact>;
  /** Share of peak that real kernels reach, by format. */
  utilisation: Record<string, Fact>;
  memory: {
    bytes: Fact;
    bandwidth: Fact /** Share of bandwidth that real kernels reach. */;
    efficiency: Fact;
    onChipBytes?: Fact;
  };
  overhead: { dispatch: Fact; kernel: Fact };
  power: {
    idle: Fact;
    /** Highest sustained, or typical where only that is known. */
    peak: Fact;
    /** Energy per operation in pJ by format. */
    operation: Record<string, Fact>;
    /** Energy per byte moved from or to main memory in pJ. */
    memoryByte: Fact;
  };
  /** Operators that run in the integer format there; others fall to floatFormat. "*" = all. */
  integerOperators: string[];
  /** Relative error of modelled latency and energy against published measurements. */
  errorBand: { latency: Fact; energy: Fact };
  /** Sentences a reader must know: what nothing validates, where sources disagree. */
  caveats: string[];
}
