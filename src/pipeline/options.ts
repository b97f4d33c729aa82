import type { PreprocessOptions } from '../data/index.js';
import type { Diagnostic } from '../errors.js';
import type { Writing } from '../plan/index.js';
import type { Settings } from '../report/index.js';
import type { Budget } from './mixed/budget.js';
import type { Effort } from './steps/index.js';
import type { TrainingOptions } from './training/options.js';

/** What a stage says of itself while it works. `rate` in items a second. */
export interface ProgressEvent {
  stage: string;
  done?: number;
  total?: number;
  rate?: number;
  message?: string;
}

/** Where samples come from and how they are made into inputs; the same for calibration and evaluation. */
export interface SampleSettings {
  /** Preset id of the preprocessing registry. */
  preset?: string;
  /** Overrides the preset, and the JSON file beside the model, field by field. */
  preprocess?: PreprocessOptions;
  /** Element type and shape of one raw binary sample, "float32" and "3x224x224". */
  dtype?: string;
  shape?: string;
  /** Sizes of symbolic dimensions by name. */
  dims?: Record<string, number>;
  /** At most this many samples. */
  limit?: number;
  /** Seed of synthetic samples, and of stochastic rounding. */
  seed?: number;
}

export interface JobOptions extends SampleSettings, Writing {
  /** Path of the ONNX file. */
  model: string;
  /** Id, alias, or path of a JSON file. */
  target: string;
  scheme: string;
  /** Formats of weights that sensitivity and mixed precision try: "int4", "int4-block32". */
  candidates?: string[];
  /** `sensitivity`: also forecast damage by Fisher's information, a backward pass a sample. */
  fisher?: boolean;
  /** Of a mixed scheme; without one the smallest model that passes the gates. */
  budget?: Budget;
  /** Files that what other budgets would buy goes to; it is worked out where there are any. */
  front?: readonly string[];
  /** Lowest opset to prepare the model for: that of a plan which is applied. */
  opset?: number;
  /** Calibration method. */
  method: string;
  /** How much is tried to lose less accuracy; `balanced` by default. */
  effort?: Effort;
  /** When a gate fails: try what the effort left out, and keep the costliest layers in float, until it passes. */
  auto?: boolean;
  /** `train`: how. The main job: train in this way when a gate fails. */
  training?: TrainingOptions;
  calibration?: string[];
  /** Samples for the verification; the calibration samples otherwise. */
  evaluation?: string[];
  /** File of class indices for the evaluation samples. */
  labels?: string;
  /** Statistics file to use instead of calibrating; `calibrate` writes to `output`. */
  stats?: string;
  /** Statistics that several jobs share: as `stats`, but steps that change the model still calibrate anew. */
  sharedStats?: string;
  /** [i, n]: only samples whose index leaves remainder i by n. */
  shard?: [number, number];
  /** Names, operator types or /patterns/ of nodes to leave in float. */
  keepFloat?: string[];
  /** Overrides the target: activations centred on zero (true) or with zero points (false). */
  symmetric?: boolean;
  /** `compare`: the integer path of the quantized model too. */
  integer?: boolean;
  /** `survey`: what each format, and each way of rounding, makes of the weights. */
  formats?: boolean;
  roundingBias?: boolean;
  threads?: number;
  /** Bytes that fetched activations may take. */
  memory?: number;
  /** Gates: points of accuracy that may be lost; dB that every output must reach. */
  maxAccuracyDrop?: number;
  minSqnr?: number;
  /** Write the model although a gate failed. */
  keep?: boolean;
  /** A model, or a package where its ending says so. */
  output?: string;
  /** File for the packed weights. */
  sidecar?: string;
  /** A package to write besides. */
  package?: string;
  /** Lowest iOS release that must load a Core ML package. Default 18. */
  ios?: 17 | 18;
  /** Float type of a package's inputs and outputs. Default fp16. */
  io?: 'fp16' | 'fp32';
  /** What float products of a SavedModel are computed in. Default bf16. */
  compute?: 'bf16' | 'fp32';
  /** Leave the batch of a SavedModel open. */
  dynamicBatch?: boolean;
  /** Let a package take pictures instead of arrays, preprocessing folded in. */
  image?: boolean;
  /** Gate: percent of the work that may fall off the chip. */
  failOnFallback?: number;
  /** Of the run that is reported: samples, tokens where the model leaves them open. */
  batch?: number;
  sequence?: number;
  /** Price of a kilowatt-hour, and watt-hours of the battery. */
  price?: number;
  battery?: number;
  onProgress?(event: ProgressEvent): void;
  onDiagnostic?(diagnostic: Diagnostic): void;
  signal?: AbortSignal;
}

/** What a report is told of the run. */
export const runSettings = ({ batch, price, battery }: JobOptions): Settings => ({
  batch,
  pricePerKwh: price,
  batteryWh: battery,
});

/** An option as the command line names it: keepFloat → keep-float. */
export const dashed = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
