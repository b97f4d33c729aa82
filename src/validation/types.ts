/** What was run. Throughputs of generation count the tokens that come out. */
export type Workload =
  | { kind: 'product'; m: number; n: number; k: number }
  | { kind: 'stack'; depth: number; channels: number }
  /** `runs`: so many make one sample of the benchmark. */
  | { kind: 'network'; id: string; batch: number; sequence?: number; runs?: number }
  /** `chips`: so many hold a part of every weight each. */
  | { kind: 'prompt'; id: string; input: number; chips?: number }
  | { kind: 'generation'; id: string; batch: number; input: number; output: number; chips?: number };

/** How it was computed: an id of PRECISIONS. */
export type PrecisionId = 'float16' | 'bfloat16' | 'int8' | 'fp8' | 'fp8-cache16' | 'w8' | 'w4' | 'w4a8';

export interface PublishedRow {
  target: string;
  /** Rows of one kind share a mean in the summary; the targets’ overheads are those of TensorRT-LLM, not of vLLM. */
  kind: 'products' | 'convolutions' | 'transformers' | 'generation' | 'generation, vLLM';
  workload: Workload;
  precision: PrecisionId;
  value: number;
  unit: 'ms' | 'µs' | 'TFLOPS' | 'samples/s' | 'tokens/s';
  /** `fit`: a constant of the chip was fitted to this row. */
  used: 'fit' | 'held out';
  source: string;
}

export interface ValidatedRow extends Omit<PublishedRow, 'workload' | 'value'> {
  what: string;
  published: number;
  predicted: number;
  /** predicted / published − 1. */
  error: number;
  /** The same with the chip's constants fitted without the rows of this network or shape, where others are left. */
  leftOutError?: number;
}

export interface ValidationSummary {
  target: string;
  kind: PublishedRow['kind'];
  rows: number;
  heldOut: number;
  /** Means of |error|: of all rows, and of those that nothing was fitted to. */
  meanError: number;
  meanHeldOut?: number;
  /** Mean of |leftOutError|: what a network or shape that was never seen may expect. */
  meanLeftOut?: number;
  worstError: number;
}

export interface Validation {
  schema: 'onnx-quantize/validation@1';
  summary: ValidationSummary[];
  /** Paths of the constants that were fitted, by target. */
  fitted: Record<string, string[]>;
  rows: ValidatedRow[];
  /** Chips that no row speaks of. */
  unvalidated: string[];
}
