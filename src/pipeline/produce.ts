import { resolve } from 'node:path';
import type { SampleSource } from '../data/types.js';
import { emitQdq, executableModel } from '../emit/index.js';
import { type Diagnostic, QuantizeError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { executable, executableWeight } from '../plan/index.js';
import type { Plan } from '../plan/types.js';
import { type Numbers, quantizeNumbers } from '../quantize/index.js';
import { checkGates, verify } from '../verify/index.js';
import type { Metrics } from '../verify/types.js';
import { latency } from './compare.js';
import type { Draft } from './draft.js';
import { inHalf } from './half.js';
import type { JobOptions } from './options.js';
import { besideModel, evaluationSet, labelsFor, samplesOf } from './samples.js';
import { type Job, note, stopIfAborted } from './stages.js';

/** The quantized model with what verification says of it. */
export interface Outcome {
  quantized: Model;
  /** The same in the forms that onnxruntime runs. */
  runs: Model;
  numbers: Numbers;
  metrics: Metrics;
  diagnostics: Diagnostic[];
  failure?: QuantizeError;
}

/** quantize → emit → verify. */
export async function produce(draft: Draft): Promise<Outcome> {
  const { job, types, plan: decided, source, means, rounded } = draft;
  const { options } = job;
  options.onProgress?.({ stage: 'quantize' });
  const { numbers, diagnostics } = quantizeNumbers(job.prepared, decided, means, rounded);
  const { quantized, runs } = emitted({ job, types, plan: decided }, numbers);
  stopIfAborted(options.signal);
  const metrics = await measure(job, runs, source);
  return { quantized, runs, numbers, metrics, diagnostics, failure: gateFailure(job, metrics) };
}

/** What is written, and the same in the forms that onnxruntime runs. */
function emitted(
  { job, types, plan: decided }: Pick<Draft, 'job' | 'types' | 'plan'>,
  numbers: Numbers,
): Pick<Outcome, 'quantized' | 'runs'> {
  const model = emitQdq(job.prepared, decided, numbers);
  if (decided.highPrecision) {
    const quantized = inHalf(model, decided.highPrecision, types);
    return { quantized, runs: executableModel(quantized) };
  }
  return {
    quantized: model,
    runs: decided.encoding === 'exec' ? model : runnable(job.prepared, decided, numbers),
  };
}

/** What is written for other readers in the forms that onnxruntime runs: the same numbers. */
function runnable(prepared: Model, decided: Plan, numbers: Numbers): Model {
  const weights = numbers.weights.map((w) => ({ ...w, plan: executableWeight(w.plan) }));
  return emitQdq(prepared, executable(decided), { ...numbers, weights });
}

/** FP32 against quantized, on evaluation samples where there are some, on the calibration samples otherwise. */
async function measure(job: Job, quantized: Model, calibration: SampleSource): Promise<Metrics> {
  const { options } = job;
  const { samples, labels } = evaluationSet(options);
  const source = samples ? await samplesOf(options, job.prepared, samples) : calibration;
  const metrics = await verify({
    float: job.loaded.model,
    quantized,
    source,
    evidence: evidenceOf(source, samples, options),
    labels: await labelsFor(labels, source),
    threads: options.threads,
    signal: options.signal,
    onProgress: (done, total) => options.onProgress?.({ stage: 'verify', done, total }),
  });
  if (labels && !metrics.top1)
    note(job, {
      level: 'warning',
      code: 'LABELS_UNUSED',
      message: 'no output of the model looks like a classifier’s, so the labels were not used',
    });
  if (job.target.timing === 'measured')
    metrics.latency = await latency(job.loaded.model, quantized, source, options);
  return metrics;
}

/** Samples that the ranges were fitted to say less than others, whichever option names them. */
function evidenceOf(
  { kind }: SampleSource,
  samples: readonly string[] | undefined,
  { calibration, model }: JobOptions,
): Metrics['evidence'] {
  if (kind === 'synthetic') return 'synthetic';
  const fitted = (calibration ?? besideModel(model) ?? []).map((path) => resolve(path));
  return samples && !samples.every((path) => fitted.includes(resolve(path))) ? 'evaluation' : 'calibration';
}

function gateFailure(job: Job, metrics: Metrics): QuantizeError | undefined {
  const { maxAccuracyDrop, minSqnr } = job.options;
  try {
    checkGates(metrics, { maxAccuracyDrop, minSqnr });
    return undefined;
  } catch (error) {
    if (error instanceof QuantizeError && error.kind === 'gate') return error;
    throw error;
  }
}
