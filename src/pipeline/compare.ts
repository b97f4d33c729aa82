import type { SampleSource } from '../data/types.js';
import { executableModel } from '../emit/index.js';
import { compareInteger, type IntegerComparison } from '../integer/index.js';
import type { Model } from '../ir/model.js';
import { type LoadedModel, loadModel } from '../onnx/index.js';
import { compareLayers, type LayerMetrics, type Metrics, measureLatency, verify } from '../verify/index.js';
import type { JobOptions } from './options.js';
import { besideModel, evaluationSet, labelsFor, samplesOf } from './samples.js';
import { typesFor } from './stages.js';

/** Two models on the same data: `a` is the reference. */
export interface Comparison {
  schema: 'onnx-quantize/comparison@1';
  a: { file: string; sha256: string; bytes: number };
  b: { file: string; sha256: string; bytes: number };
  metrics: Metrics;
  /** SQNR at the values that both compute under the same name, in graph order. */
  layers: LayerMetrics[];
  /** The integer path of `b` against onnxruntime's results, when it was asked for. */
  integer?: IntegerComparison;
}

/** Samples whose intermediate values are compared, and that take the integer path; the outputs are compared on all. */
const LAYER_SAMPLES = 4;

/** Pairs of FP8 are casts to onnxruntime. */
const runnable = (loaded: LoadedModel): LoadedModel => ({ ...loaded, model: executableModel(loaded.model) });

export async function compare(a: string, b: string, options: JobOptions): Promise<Comparison> {
  const [first, second] = [loadModel(a), loadModel(b)].map(runnable);
  const given = { ...options, model: a };
  const { samples, labels } = evaluationSet(given);
  const source = await samplesOf(given, first.model, samples ?? options.calibration ?? besideModel(a));
  const metrics = await verify({
    float: first.model,
    quantized: second.model,
    source,
    evidence: source.kind === 'synthetic' ? 'synthetic' : 'evaluation',
    labels: await labelsFor(labels, source),
    threads: options.threads,
    limit: options.limit,
    signal: options.signal,
    onProgress: (done, total) => options.onProgress?.({ stage: 'compare', done, total }),
  });
  metrics.latency = await latency(first.model, second.model, source, options);
  const layers = await layerErrors(first.model, second.model, source, options);
  return {
    schema: 'onnx-quantize/comparison@1',
    a: identity(a, first),
    b: identity(b, second),
    metrics,
    layers,
    ...(options.integer && { integer: await integerPath(second.model, source, options) }),
  };
}

const integerPath = (model: Model, source: SampleSource, options: JobOptions): Promise<IntegerComparison> =>
  compareInteger({
    model,
    source,
    limit: Math.min(LAYER_SAMPLES, options.limit ?? LAYER_SAMPLES),
    threads: options.threads,
    signal: options.signal,
    onProgress: (done, total) => options.onProgress?.({ stage: 'integer', done, total }),
  });

const identity = (file: string, { sha256, bytes }: LoadedModel) => ({ file, sha256, bytes });

/** SQNR at the values that both models compute, over a few samples. */
export const layerErrors = async (
  float: Model,
  quantized: Model,
  source: SampleSource,
  { threads, signal }: JobOptions,
): Promise<LayerMetrics[]> =>
  compareLayers({
    float,
    quantized,
    types: await typesFor(float, source),
    source,
    limit: LAYER_SAMPLES,
    threads,
    signal,
  });

/** Median milliseconds of both on the first sample. */
export async function latency(
  a: Model,
  b: Model | undefined,
  source: SampleSource,
  options: JobOptions,
): Promise<Metrics['latency']> {
  for await (const sample of source.samples())
    return measureLatency({ float: a, quantized: b, feeds: sample.feeds, threads: options.threads });
  return undefined;
}
