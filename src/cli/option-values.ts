import type { Runtime } from '../lint/runtimes.js';
import type { BatchOptions } from './batch-options.js';
import type { PackageOptions } from './package-options.js';
import type { TrainingOptionValues } from './training-options.js';

/** SARIF is of lints only. */
export type Format = 'table' | 'json' | 'markdown' | 'sarif';

/** What the options of a command line amount to; absent ones are undefined. */
export interface Options extends PackageOptions, BatchOptions, TrainingOptionValues {
  target: string;
  scheme: string;
  method: string;
  auto?: boolean;
  effort?: 'fast' | 'balanced' | 'max';
  candidates?: string[];
  budget?: { of: 'size' | 'latency' | 'energy'; value: number; share: boolean };
  front?: string[];
  format: Format;
  symmetric?: boolean;
  keepFloat?: string[];
  encoding?: 'exec' | 'spec';
  weightOnly?: 'qdq' | 'matmulnbits';
  scaleRule?: 'floor' | 'ceil' | 'best' | 'max' | 'fourOverSix';
  sparsity?: '2:4' | number;
  rounding?: 'nearest' | 'stochastic';
  sidecar?: string;
  calibration?: string[];
  evaluation?: string[];
  labels?: string;
  preset?: string;
  resize?: 'short' | 'exact' | 'letterbox' | 'none';
  crop?: number;
  size?: [number, number];
  color?: 'rgb' | 'bgr';
  scale?: number;
  layout?: 'nchw' | 'nhwc';
  mean?: number[];
  std?: number[];
  dtype?: string;
  shape?: string;
  dim?: Record<string, number>;
  limit?: number;
  seed?: number;
  stats?: string;
  shard?: [number, number];
  maxAccuracyDrop?: number;
  minSqnr?: number;
  keep?: boolean;
  output?: string;
  report?: string[];
  html?: string;
  batch?: number;
  sequence?: number;
  price?: number;
  battery?: number;
  validate?: boolean;
  savePlan?: string;
  formats?: boolean;
  roundingBias?: boolean;
  svg?: string;
  integer?: boolean;
  show?: string;
  for: Runtime;
  quiet?: boolean;
  verbose?: boolean;
  threads?: number;
  memory?: number;
}
