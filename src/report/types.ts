import type { FloatPlan } from '../plan/types.js';
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
  /** What binds it on the target. */
  bound?: 'compute' | 'memory' | 'overhead';
}

export interface SpeedAndPower {
  /** One run at the model's own batch size, dynamic dimensions taken as 1. */
  latencyMs: Figure;
  throughput: Figure;
  energyMj?: Figure;
  watts?: Figure;
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
  };
  macs: number;
  /** Share (0…1) of parameters that are stored quantized and of MACs that are computed in integers. */
  coverage: { parameters: number; macs: number };
  metrics?: Metrics;
  /** The float model, in the target's float format. */
  float: SpeedAndPower;
  quantized: SpeedAndPower;
  layers: LayerRow[];
  leftInFloat: FloatPlan[];
  /** Sentences that must accompany the figures: "synthetic calibration: no evidence about accuracy". */
  caveats: string[];
}
