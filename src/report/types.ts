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

export interface LayerRow {
  node: string;
  opType: string;
  parameters: number;
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
  latencyMs: Figure;
  throughput: Figure;
  energyMj?: Figure;
  watts?: Figure;
}

export interface Report {
  schema: 'onnx-quantize/report@1';
  model: { name: string; sha256: string; opset: number; nodes: number; parameters: number };
  target: { id: string; name: string };
  scheme: string;
  method: string;
  calibration: { kind: 'real' | 'synthetic'; source: string; samples: number };
  size: { floatBytes: number; quantizedBytes: number; ratio: number };
  macs: number;
  /** Share (0…1) of parameters and of MACs that are quantized. */
  coverage: { parameters: number; macs: number };
  metrics?: Metrics;
  float: SpeedAndPower;
  quantized: SpeedAndPower;
  layers: LayerRow[];
  leftInFloat: FloatPlan[];
  /** Sentences that must accompany the figures: "synthetic calibration: no evidence about accuracy". */
  caveats: string[];
}
