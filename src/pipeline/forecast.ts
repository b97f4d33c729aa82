import { loadModel } from '../onnx/index.js';
import type { JobOptions } from './options.js';
import { report } from './report.js';
import { besideModel, evaluationSet, samplesOf } from './samples.js';
import type { Effort } from './steps/index.js';

/** What a job is expected to cost before anything of it has run. */
export interface Forecast {
  /** Seconds on this machine, within a factor of three. */
  seconds: number;
  /** Bytes of the model that it writes. */
  bytes: number;
}

/**
 * Seconds a node (passes over the graph and its weights, sessions), and how often a sample runs through the float network
 * or what takes as long. `fast` is fitted to a batch of 16 networks, which it meets within 0.34 to 1.8 times; `balanced`
 * to processor times of 12, within 0.4 to 3 times; `max` was not fitted.
 */
const COSTS: Record<Effort, { node: number; runs: number }> = {
  fast: { node: 0.012, runs: 14 },
  balanced: { node: 0.015, runs: 28 },
  max: { node: 0.04, runs: 80 },
};
const START_SECONDS = 0.15;

/** From the float network's latency as modelled on this machine, its nodes, the samples and the effort. */
export async function forecast(options: JobOptions): Promise<Forecast> {
  const { float, model, size } = await report({ ...options, target: 'cpu' });
  const { node, runs } = COSTS[options.effort ?? 'balanced'];
  const running = (runs * (await sampleCount(options)) * float.latencyMs.value) / 1000;
  return { seconds: START_SECONDS + node * model.nodes + running, bytes: size.quantizedBytes };
}

/** Samples that a job calibrates and is verified on, together. */
async function sampleCount(options: JobOptions): Promise<number> {
  const { model } = loadModel(options.model, { shapesOnly: true });
  const calibration = options.calibration ?? besideModel(options.model);
  const { samples: evaluation = calibration } = evaluationSet(options);
  const sources = [await samplesOf(options, model, calibration), await samplesOf(options, model, evaluation)];
  return sources.reduce((sum, { count = 0 }) => sum + count, 0);
}
