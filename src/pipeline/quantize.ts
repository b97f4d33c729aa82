import { readFileSync } from 'node:fs';
import type { SampleSource } from '../data/types.js';
import {
  emitPackable,
  emitQdq,
  encodeSidecar,
  PACKAGES,
  type Packable,
  type PackageFormat,
  packageFor,
  packedSize,
  packedWeights,
} from '../emit/index.js';
import { misfit, rescaled } from '../equalize/index.js';
import { type Diagnostic, invalidError, QuantizeError, usageError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { encodedSize, saveModel, writeAtomic } from '../onnx/index.js';
import { checkPlan, decodePlan, executable, executableWeight, hazards, planMisfit } from '../plan/index.js';
import type { Plan } from '../plan/types.js';
import { type Numbers, quantizeNumbers } from '../quantize/index.js';
import { buildReport, distributions } from '../report/index.js';
import type { Improvement } from '../report/types.js';
import { checkGates, verify } from '../verify/index.js';
import type { Metrics } from '../verify/types.js';
import { latency, layerErrors } from './compare.js';
import { provenance, type Reported } from './detail.js';
import { type Draft, firstDraft, meansFor } from './draft.js';
import { takeStep } from './improve.js';
import { type JobOptions, runSettings } from './options.js';
import { fallbackFailure, type PackageReport, type Packed, pack, writePackage } from './package.js';
import { roundedFor } from './rounding.js';
import { calibrationSource, evaluationSet, labelsFor, samplesOf } from './samples.js';
import { type Job, note, openJob, planInput, stopIfAborted, typesFor } from './stages.js';
import { EFFORTS, type Effort, STEPS, type Step } from './steps.js';
import { Trial } from './trial.js';

export interface Result extends Reported {
  plan: Plan;
  files: string[];
  diagnostics: Diagnostic[];
  /** The chip's own package, where one was asked for. */
  package?: PackageReport;
  /** The gate that failed although the model was written (`keep`). */
  failedGate?: QuantizeError;
}

/**
 * The main job: load → prepare → calibrate → plan → quantize → emit → verify → report → write. The model is written
 * last and atomically; a gate that fails (exit code 5) writes nothing unless `keep` is set.
 */
export async function quantize(options: JobOptions): Promise<Result> {
  outputsOf(options);
  return finish(await decide(await openJob(options)));
}

/** Decides, and stops there: what `apply` obeys. */
export const plan = async (options: JobOptions): Promise<Plan> =>
  (await decide(await openJob(options))).draft.plan;

/** A draft, and what each step did for it. */
interface Decision {
  draft: Draft;
  rungs: Improvement[];
}

async function decide(job: Job): Promise<Decision> {
  const source = await calibrationSource(job);
  const types = await typesFor(job.prepared, source);
  const first = await firstDraft({ job, source, types });
  for (const d of hazards(first.input)) note(job, d);
  const trial = new Trial(source);
  const decision: Decision = { draft: first, rungs: [] };
  for (const step of stepsOf(job.options.effort)) {
    const { draft, rung } = await takeStep(decision.draft, step, trial);
    decision.draft = draft;
    if (rung) decision.rungs.push(rung);
  }
  return decision;
}

const stepsOf = (effort: Effort = 'balanced'): Step[] =>
  STEPS.filter((step) => EFFORTS.indexOf(step.effort) <= EFFORTS.indexOf(effort));

/**
 * Does what a plan file says to the model that it was made for.
 * @throws QuantizeError PLAN_OTHER_MODEL, PLAN_MISFIT, PLAN_INVALID (invalid)
 */
export async function apply(planFile: string, options: JobOptions): Promise<Result> {
  outputsOf(options);
  const decided = decodePlan(readText(planFile), planFile);
  const job = await openJob({
    ...options,
    target: decided.target,
    scheme: decided.scheme,
    encoding: decided.encoding,
    method: decided.method,
  });
  if (decided.model !== job.loaded.sha256)
    throw invalidError(
      'PLAN_OTHER_MODEL',
      `the plan was made for another model (sha256 ${decided.model.slice(0, 12)}…)`,
      {
        where: { file: planFile },
        hint: 'make a plan for this model with `quantize plan`',
      },
    );
  const source = await calibrationSource(job);
  const types = await typesFor(job.prepared, source);
  const { equalization = [] } = decided;
  const wrong = misfit(job.prepared, types, equalization);
  if (wrong) throw planMisfit(wrong.message, { file: planFile, tensor: wrong.tensor });
  const prepared = rescaled(job.prepared, types, equalization);
  checkPlan(decided, prepared, planFile);
  const applied = { job: { ...job, prepared }, source, types, plan: decided };
  const means = decided.biasCorrection ? await meansFor(applied) : undefined;
  const input = planInput(applied.job, types);
  const rounded = await roundedFor(applied);
  return finish({ draft: { ...applied, input, stats: undefined, means, rounded }, rungs: [] });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw invalidError('FILE_UNREADABLE', `cannot read the file: ${(cause as Error).message}`, {
      where: { file },
      cause,
    });
  }
}

/** quantize → emit → verify → report → write: everything behind the plan obeys it. */
async function finish({ draft, rungs }: Decision): Promise<Result> {
  const { job, plan: decided, source, types, means, rounded, stats } = draft;
  const { options } = job;
  warnIfNothing(job, decided);
  options.onProgress?.({ stage: 'quantize' });
  const { numbers, diagnostics } = quantizeNumbers(job.prepared, decided, means, rounded);
  for (const d of diagnostics) note(job, d);
  const quantized = emitQdq(job.prepared, decided, numbers);
  const runs = decided.encoding === 'exec' ? quantized : runnable(job.prepared, decided, numbers);
  stopIfAborted(options.signal);
  const metrics = await measure(job, runs, source);
  const arrays = packedWeights(numbers);
  const report = buildReport({
    name: options.model,
    loaded: job.loaded,
    prepared: job.prepared,
    types,
    plan: decided,
    target: job.target,
    metrics,
    improvements: rungs,
    quantizedBytes: encodedSize(quantized),
    packed: packedSize(numbers, arrays),
    settings: runSettings(options),
    calibration: { kind: source.kind, source: source.description, samples: source.count ?? metrics.samples },
  });
  const wanted = outputsOf(options);
  const packed =
    wanted.format &&
    (await packFor(job, wanted.format, emitPackable(job.prepared, decided, numbers), source));
  const failure = gateFailure(job, metrics) ?? (packed && fallbackFailure(packed.report, options));
  stopIfAborted(options.signal);
  if (failure && !options.keep) throw failure;
  const files = wanted.model ? await saveModel(quantized, wanted.model) : [];
  if (options.sidecar) {
    await writeAtomic(options.sidecar, encodeSidecar(numbers, arrays));
    files.push(options.sidecar);
  }
  if (packed) files.push(await writePackage(packed, wanted.package!));
  if (failure)
    note(job, {
      level: 'warning',
      code: failure.code,
      message: `${failure.message}; written all the same (--keep)`,
    });
  const detail = async () => ({
    report,
    plan: decided,
    distributions: distributions(job.prepared, decided, stats),
    layerErrors: await layerErrors(job.prepared, runs, source, options),
    provenance: provenance(options),
  });
  return {
    plan: decided,
    report,
    detail,
    files,
    diagnostics: job.diagnostics,
    package: packed?.report,
    failedGate: failure,
  };
}

/** Where the model goes and where a package: `output` is one or the other, as its ending says. */
function outputsOf({ output, package: extra }: JobOptions) {
  const instead = output === undefined ? undefined : packageFor(output);
  if (instead && extra !== undefined)
    throw usageError('OUTPUT_TWICE', 'both --output and --package name a package');
  const path = instead ? output : extra;
  const format = path === undefined ? undefined : packageFor(path);
  if (path !== undefined && !format)
    throw usageError('UNKNOWN_FORMAT', `"${path}" does not say which package is wanted`, {
      hint: `it ends in ${PACKAGES.map((p) => p.extension).join(' or ')}`,
    });
  return { model: instead ? undefined : output, package: path, format };
}

async function packFor(
  job: Job,
  format: PackageFormat,
  packable: Packable,
  source: SampleSource,
): Promise<Packed> {
  const packed = await pack(format, packable, source, job.options);
  for (const d of packed.diagnostics) note(job, d);
  return packed;
}

/** What is written for other readers in the forms that onnxruntime runs: the same numbers. */
function runnable(prepared: Model, decided: Plan, numbers: Numbers): Model {
  const weights = numbers.weights.map((w) => ({ ...w, plan: executableWeight(w.plan) }));
  return emitQdq(prepared, executable(decided), { ...numbers, weights });
}

function warnIfNothing(job: Job, decided: Plan): void {
  if (decided.weights.length + decided.activations.length > 0) return;
  note(job, {
    level: 'warning',
    code: 'NOTHING_QUANTIZED',
    message: `nothing in this model can be quantized by ${decided.scheme} for ${job.target.name}; the output is the prepared float model`,
  });
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
    evidence: samples ? 'evaluation' : source.kind === 'synthetic' ? 'synthetic' : 'calibration',
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
