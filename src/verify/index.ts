export { alike } from './alike.js';
export { checkGates, type Gates, NO_EVIDENCE } from './gates.js';
export { GridTrial } from './grids.js';
export { type LatencyOptions, measureLatency } from './latency.js';
export { commonTensors, compareLayers, type LayerOptions } from './layers.js';
export { checkSmoke, type SmokeResult, smokeRun } from './smoke.js';
export type {
  AccuracyMetrics,
  ExactOutput,
  LatencyMetrics,
  LayerMetrics,
  Metrics,
  OutputMetrics,
  TokenMetrics,
} from './types.js';
export { lowestSqnr, type VerifyOptions, verify } from './verify.js';
