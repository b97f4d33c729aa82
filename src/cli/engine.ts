import type { Stats } from '../calibrate/types.js';
import type { PreprocessOptions } from '../data/types.js';
import type { Diagnostic } from '../errors.js';
import type { Plan } from '../plan/types.js';
import type { Report } from '../report/types.js';
import type { Metrics } from '../verify/types.js';

export interface ProgressEvent {
  stage: string;
  done?: number;
  total?: number;
  rate?: number;
  message?: string;
}
export interface JobOptions {
  model: string;
  target: string;
  scheme: string;
  method: string;
  calibration?: string[];
  evaluation?: string[];
  labels?: string;
  preset?: string;
  preprocess?: PreprocessOptions;
  dtype?: string;
  shape?: string;
  dims?: Record<string, number>;
  limit?: number;
  shard?: [number, number];
  stats?: string;
  keepFloat?: string[];
  symmetric?: boolean;
  threads?: number;
  memory?: number;
  seed?: number;
  maxAccuracyDrop?: number;
  minSqnr?: number;
  keep?: boolean;
  output?: string;
  onProgress?(e: ProgressEvent): void;
  onDiagnostic?(d: Diagnostic): void;
  signal?: AbortSignal;
}
export interface Result {
  plan: Plan;
  report: Report;
  files: string[];
  diagnostics: Diagnostic[];
}
export interface Inspection {
  [key: string]: unknown;
}
export interface Comparison {
  metrics: Metrics;
  [key: string]: unknown;
}
export interface Pipeline {
  quantize(o: JobOptions): Promise<Result>;
  inspect(o: JobOptions): Promise<Inspection>;
  calibrate(o: JobOptions): Promise<{ stats: Stats; file: string }>;
  merge(files: string[], output: string): Promise<{ stats: Stats; file: string }>;
  plan(o: JobOptions): Promise<Plan>;
  apply(planFile: string, o: JobOptions): Promise<Result>;
  compare(a: string, b: string, o: JobOptions): Promise<Comparison>;
  report(o: JobOptions): Promise<Report>;
}
