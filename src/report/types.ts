import type { FloatPlan } from '../plan/types.js';
import type { Front } from '../sensitivity/types.js';
import type { Metrics } from '../verify/types.js';

/** What a figure is: never print `modelled` as a measurement. */
export type FigureKind = 'measured' | 'modelled' | 'vendor';

export interface Figure {
  value: number;
  unit: string;
  kind: FigureKind;
  /** Relative error band of a modelled figure, e.g. 0.3 for ±30 %; absent when exact. */
  band?: number;
  /** Where it comes from or what validates it. */
  note?: string;
}

/** One kernel of the target: a node with the element-wise tail that runs with it. */
export interface LayerRow {
  node: string;
  opType: string;
  /** Names of the nodes that run in the same kernel. */
  fused?: string[];
  parameters: number;
  /** Bytes of its parameters in the model file, before and after; scales of codes included. */
  floatBytes: number;
  quantizedBytes: number;
  macs: number;
  /** Format the layer computes in on the target: "int8", "float16", … */
  computes: string;
  timeUs?: Figure;
  /** The same kernel in the float model. */
  floatTimeUs?: Figure;
  /** What binds it on the target. */
  bound?: Bound;
  energyUj?: Figure;
  /** 2 · MACs and everything else that is computed. */
  operations?: number;
  /** Bytes from and to main memory, and between kernels on the chip. */
  bytes?: number;
  onChipBytes?: number;
  /** Share (0…1) of the chip's array that the kernel's tiles fill. */
  utilisation?: number;
  /** Bytes of activations that are alive while it runs. */
  liveBytes?: number;
  /** Where it runs; absent: on the chip. `reason` says why it does not. */
  runsOn?: string;
  reason?: string;
}

export type Bound = 'compute' | 'memory' | 'overhead';

export interface SpeedAndPower {
  /** One run at the batch that `Report.run` says. */
  latencyMs: Figure;
  /** Samples a second: batch over latency. */
  throughput: Figure;
  energyMj?: Figure;
  watts?: Figure;
  /** Parts of energyMj in mJ: array and vector units, memory on the chip, main memory, idle power, cost of a call. */
  energyParts?: { compute: number; onChip: number; memory: number; static: number; call: number };
  memory?: MemoryUse;
  /** Share (0…1) of the latency by what binds it. */
  timeShare?: Record<Bound, number>;
}

/** Bytes in the memory of the chip. */
export interface MemoryUse {
  weightBytes: number;
  /** The most that is alive at once, inputs and outputs included, the cache not. */
  activationBytes: number;
  /** Keys and values of earlier tokens. */
  cacheBytes: number;
  totalBytes: number;
  fits: boolean;
}

/** Several chips that hold a part of every weight each. */
export interface ChipsEstimate {
  count: number;
  memoryEachBytes: number;
  latencyMs: Figure;
}

/** One thing tried: SQNR of the worst output on a few calibration samples, in dB; null when it is without error. */
export interface Improvement {
  step: string;
  description: string;
  beforeDb: number | null;
  afterDb: number | null;
  kept: boolean;
  seconds: number;
  /** What it was done to, where it was kept and that can be named: layers left in float, activations of 16 bits. */
  changed?: string[];
}

/** Something that costs the outputs much: their worst SQNR in dB with this alone rounded, and its share (0…1) of all noise. */
export interface Loss {
  kind: 'activation' | 'weight';
  tensor: string;
  /** What makes the activation ("": an input of the model) or reads the weight. */
  node: string;
  outputDb: number | null;
  share: number;
}

/** One weight: SQNR in dB at its layer and at the outputs, when it alone is in a format; null: no difference. */
export interface SensitivityRow {
  node: string;
  tensor: string;
  /** What the plan gives it. */
  format: string;
  candidates: { candidate: string; bytes: number; localDb: number | null; outputDb: number | null }[];
}

/** What the network's output was worth: dB of the worst output, and shares (0…1) of classes. */
export interface Worth {
  sqnrDb: number | null;
  /** Best class right by the labels; best class as the float model's. */
  accuracy?: number;
  agreement?: number;
}

/** What a training did. */
export interface Training {
  steps: number;
  batch: number;
  /** Samples that were trained on; those that judged. */
  samples: number;
  judges: number;
  /** What said what is right. */
  taught: 'labels' | 'float model' | 'both';
  /** Epoch by epoch on the judging samples; `accuracy`: share of classes as taught. */
  history: {
    epoch: number;
    step: number;
    trainLoss: number;
    rate: number;
    loss: number;
    accuracy?: number;
  }[];
  /** The epoch whose weights were taken; −1: the start, as none was better. */
  best: number;
  seconds: number;
  /** Of the process while it trains, estimated before. */
  bytes: number;
  /** The quantized model without training, on the samples of the report's comparison; and the trained one. */
  before: Worth;
  after: Worth;
}

export interface Report {
  schema: 'onnx-quantize/report@1';
  model: { name: string; sha256: string; opset: number; nodes: number; parameters: number };
  target: { id: string; name: string };
  /** "" when the model is reported as it stands. */
  scheme: string;
  method: string;
  calibration: { kind: 'real' | 'synthetic'; source: string; samples: number };
  /** Files, and the parameters in them (before: as stored; after: codes, scales, int32 biases, what stayed float). */
  size: {
    floatBytes: number;
    quantizedBytes: number;
    ratio: number;
    floatParameterBytes: number;
    quantizedParameterBytes: number;
    /** Nothing was written: quantizedBytes is the float file with its parameters replaced. */
    estimated?: boolean;
    /** The quantized weights alone as a chip stores them: codes to the bit, scales, places of what sparsity kept. */
    packedBytes?: number;
    bitsPerWeight?: number;
  };
  macs: number;
  /** What the modelled figures are for. */
  run?: { batch: number; dims: Record<string, number> };
  /** Share (0…1) of parameters that are stored quantized and of MACs that are computed in integers. */
  coverage: { parameters: number; macs: number };
  /** Values between operators that are rounded to codes, and that are read as such. */
  conversions?: { quantize: number; dequantize: number };
  metrics?: Metrics;
  /** What each layer costs in each format, where that was measured. */
  sensitivity?: SensitivityRow[];
  /** Of a mixed scheme: what a budget buys. */
  front?: Front;
  /** What was tried to lose less, in order. */
  improvements?: Improvement[];
  /** Where a gate failed or an output is poor: what that is lost in, the most first. */
  losses?: Loss[];
  training?: Training;
  /** The float model, in the target's float format. */
  float: SpeedAndPower;
  quantized: SpeedAndPower;
  /** Roofs of the chip in op/s and bytes/s: the data sheet's and what is reached. A kernel is a point of its layers row. */
  roofline?: {
    formats: { format: string; peak: number; reached: number }[];
    memory: { peak: number; reached: number };
    onChip?: { reached: number };
  };
  /** The smallest power of two as batch that comes within a tenth of the best throughput. */
  saturation?: { batch: number; throughput: Figure };
  /** When the quantized model does not fit one chip. */
  chips?: ChipsEstimate;
  /** On a battery: share of it for 1,000 runs, hours of continuous use, runs a second that the cooling sustains. */
  battery?: { wattHours: number; sharePer1000: Figure; hours: Figure; sustained: Figure };
  datacentre?: { pricePerKwh: number; joulesPer1000: Figure; costPerMillion: Figure };
  /** Joules of a run saved for each bit that the average weight lost. */
  joulesPerBit?: Figure;
  layers: LayerRow[];
  leftInFloat: FloatPlan[];
  /** Sentences that must accompany the figures: "synthetic calibration: no evidence about accuracy". */
  caveats: string[];
}
