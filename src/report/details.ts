import type { Plan } from '../plan/types.js';
import type { LayerMetrics } from '../verify/types.js';
import type { Distribution } from './distributions.js';
import type { Report } from './types.js';

/** What made a report: enough to make it again. */
export interface Provenance {
  /** "onnx-quantize 0.1.0". */
  tool: string;
  /** Versions by name: node, onnxruntime-node. */
  versions: Record<string, string>;
  platform: string;
  /** The options that were given, as on a command line. */
  options: Record<string, string>;
}

/** A report with what only its page shows. */
export interface DetailedReport {
  report: Report;
  /** Absent when the model is reported as it stands. */
  plan?: Plan;
  distributions: Distribution[];
  /** Error accumulated up to each tensor that both models have, in graph order. */
  layerErrors?: LayerMetrics[];
  provenance: Provenance;
}
