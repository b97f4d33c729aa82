import type { PackageOptions } from './package-options.js';

export type Format = 'table' | 'json' | 'markdown';

/** What the options of a command line amount to; absent ones are undefined. */
export interface Options extends PackageOptions {
  target: string;
  scheme: string;
  method: string;
  effort?: 'fast' | 'balanced' | 'max';
  format: Format;
  symmetric?: boolean;
  keepFloat?: string[];
  encoding?: 'exec' | 'spec';
  weightOnly?: 'qdq' | 'matmulnbits';
  scaleRule?: 'floor' | 'ceil' | 'best' | 'max' | 'fourOverSix';
  sparsity?: '2:4' | number;
  rounding?: 'nearest' | 'stochastic';
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
  savePlan?: string;
  integer?: boolean;
  show?: string;
  dryRun?: boolean;
  events?: boolean;
  junit?: string;
  baseline?: string;
  maxRegression?: Record<string, number>;
  quiet?: boolean;
  verbose?: boolean;
  threads?: number;
  memory?: number;
}
