import type { PackedError } from '../errors.js';
import type { JobOptions } from '../pipeline.js';
import type { Report } from '../report/types.js';

/** Options of a job as data, without callbacks, so that another process can do it. */
export type PlainOptions = Omit<JobOptions, 'onProgress' | 'onDiagnostic' | 'signal'>;

/** One model for one chip by one scheme. */
export interface BatchJob {
  /** "mobilenetv2-7 ane int8-perchannel"; unique in the batch. */
  id: string;
  /** `output` is set. */
  options: PlainOptions & { output: string };
}

/**
 * - `done`: made in this run; `unchanged`: made by an earlier one from the same inputs, and still there
 * - `failed`: refused, or a gate failed; `error` says why
 */
export type JobStatus = 'done' | 'unchanged' | 'failed';

export interface JobResult {
  id: string;
  model: string;
  target: string;
  scheme: string;
  status: JobStatus;
  /** What it took when it was made. */
  seconds: number;
  output?: string;
  report?: Report;
  error?: PackedError;
}

/**
 * What a job is expected to take, and why so:
 * - `unchanged`: its result is there; `measured`: what it took when it was last done, from other inputs or settings
 * - `modelled`: from the network and this machine; `refused`: it cannot be done, and `why`
 */
export interface JobForecast {
  seconds?: number;
  /** Of the model that it writes. */
  bytes?: number;
  basis: 'unchanged' | 'measured' | 'modelled' | 'refused';
  why?: string;
}

export interface BatchResult {
  schema: 'onnx-quantize/batch@1';
  jobs: JobResult[];
  counts: Record<JobStatus, number>;
  seconds: number;
}

export interface Budget {
  /** Bytes that all processes may take together, as estimated. */
  memory: number;
  /** Processor cores in use at a time. */
  threads: number;
}

/** Where jobs wait for workers. */
export interface QueueAddress {
  /** redis:// or, for TLS, rediss:// */
  url: string;
  /** Where the address has none. */
  password?: string;
}

export interface QueueOptions extends QueueAddress {
  /** Parts that the samples of a model are calibrated in; by default as many as keep all workers busy. */
  shards?: number;
}

/** What an engine tells while it works. */
export type BatchEvent =
  | { event: 'start'; jobs: number; processes: number }
  /** `memory`: bytes that all processes of this machine's engine have. */
  | { event: 'stage'; job: string; stage: string; done?: number; total?: number; memory?: number }
  | { event: 'warning'; job: string; code: string; message: string }
  | { event: 'job'; result: JobResult; finished: number; jobs: number }
  | { event: 'end'; counts: BatchResult['counts']; seconds: number };

export interface EngineOptions {
  /** Folder of what later runs need not do again. */
  cache: string;
  budget: Budget;
  version: string;
  /** Of the engine that works on many machines. */
  queue?: QueueOptions;
  onEvent?(event: BatchEvent): void;
  signal?: AbortSignal;
}

/** Does jobs; the registry of engines in index.ts lists them. */
export interface Engine {
  id: string;
  description: string;
  run(jobs: readonly BatchJob[], options: EngineOptions): Promise<BatchResult>;
}

/** A job that got worse than the baseline allows; `allowed` in points (drop) or percent (size, latency). */
export interface Regression {
  job: string;
  what: 'drop' | 'size' | 'latency';
  before: number;
  after: number;
  unit: string;
  allowed: number;
}
