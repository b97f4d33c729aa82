import { readFileSync } from 'node:fs';
import type { SampleSource } from '../data/types.js';
import {
  emitPackable,
  encodeSidecar,
  type Packable,
  type PackageFormat,
  packedSize,
  packedWeights,
} from '../emit/index.js';
import { absorb, misfit, rescaled, unfit } from '../equalize/index.js';
import {
  type Diagnostic,
  invalidError,
  type QuantizeError,
  unsupportedError,
  usageError,
} from '../errors.js';
import { encodedSize, saveModel, writeAtomic } from '../onnx/index.js';
import { checkPlan, decodePlan, planMisfit } from '../plan/index.js';
import type { Plan } from '../plan/types.js';
import { buildReport, distributions, type Training } from '../report/index.js';
import { checkOptions } from './checks.js';
import { layerErrors } from './compare.js';
import { explained, lossesOf } from './damage/losses.js';
import { measuredSensitivity } from './damage/profile-rows.js';
import { climb, type Decision, decide } from './decide.js';
import { provenance, type Reported } from './detail.js';
import { meansFor } from './draft.js';
import { type JobOptions, runSettings } from './options.js';
import { fallbackFailure, type PackageReport, type Packed, pack, writePackage } from './package/index.js';
import { outputsOf } from './package/places.js';
import { type Outcome, produce } from './produce.js';
import { calibrationSource, evaluationSet } from './samples.js';
import { adviseOnPairs } from './saturation.js';
import { type Job, note, openJob, planInput, stopIfAborted, typesFor } from './stages.js';
import { stepsFor } from './steps/index.js';
import { roundedFor } from './steps/rounding.js';
import { checkPlaced } from './tensorrt.js';
import { trainDraft, worthOf } from './training/index.js';

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
  checkOptions(options);
  const { decision, outcome } = await climb(await decide(await openJob(options)));
  if (options.training && outcome.failure) return finish(...(await trained(decision, outcome)));
  if (options.auto && outcome.failure)
    note(decision.draft.job, {
      level: 'warning',
      code: 'TRAINING_LEFT',
      message:
        'every step was tried; what is left is to train with the rounding: give samples with --train-data',
    });
  return finish(decision, outcome);
}

/**
 * As `quantize`, and then the network is trained with its rounding, whatever the gates say.
 * @throws QuantizeError as `quantize` and trainDraft
 */
export async function train(options: JobOptions): Promise<Result> {
  outputsOf(options);
  checkOptions(options);
  const job = await openJob(options);
  if (job.scheme.float && !options.training?.labels)
    throw usageError(
      'TRAIN_LABELS',
      `${job.scheme.name} without --labels: the float model would teach itself`,
      {
        hint: 'add --labels, or name a scheme to train with its rounding',
      },
    );
  const decision = await decide(job);
  return finish(...(await trained(decision, await produce(decision.draft))));
}

/** Trains a draft; what comes out counts, and is reported beside what went in. */
async function trained(
  { draft, rungs }: Pick<Decision, 'draft' | 'rungs'>,
  before: Outcome,
): Promise<[Pick<Decision, 'draft' | 'rungs'>, Outcome, Training]> {
  const course = await trainDraft(draft, draft.job.options.training ?? {});
  const outcome = await produce(course.draft);
  const training = { ...course.trained, before: worthOf(before.metrics), after: worthOf(outcome.metrics) };
  return [{ draft: course.draft, rungs }, outcome, training];
}

/** Decides, and stops there: what `apply` obeys. */
export const plan = async (options: JobOptions): Promise<Plan> => {
  checkOptions(options);
  const steps = stepsFor(options).first.filter((step) => !step.beyondPlans);
  return (await decide(await openJob(options), steps)).draft.plan;
};

/**
 * Does what a plan file says to the model that it was made for.
 * @throws QuantizeError PLAN_OTHER_MODEL, PLAN_MISFIT, PLAN_INVALID (invalid), PLAN_TRAINED (unsupported)
 */
export async function apply(planFile: string, options: JobOptions): Promise<Result> {
  outputsOf(options);
  evaluationSet(options);
  const decided = decodePlan(readText(planFile), planFile);
  if (decided.trained)
    throw unsupportedError('PLAN_TRAINED', 'the weights were trained, and a plan does not hold them', {
      where: { file: planFile },
      hint: 'keep the model that the training wrote, or train again: the same --seed and --threads 1 give the same bytes',
    });
  const job = await openJob({
    ...options,
    target: decided.target,
    scheme: decided.scheme,
    encoding: decided.encoding,
    method: decided.method,
    opset: decided.opset,
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
  const seen = await typesFor(job.prepared, source);
  const { absorption = [], equalization = [] } = decided;
  const wrong = unfit(job.prepared, seen, absorption) ?? misfit(job.prepared, seen, equalization);
  if (wrong) throw planMisfit(wrong.message, { file: planFile, tensor: wrong.tensor });
  const absorbed = absorb(job.prepared, seen, absorption);
  const { model: prepared, types } = rescaled(absorbed, seen, equalization);
  checkPlan(decided, prepared, planFile);
  const applied = { job: { ...job, prepared }, source, types, plan: decided };
  const input = planInput(applied.job, types);
  const rounded = await roundedFor(applied);
  const means = decided.biasCorrection ? await meansFor({ ...applied, rounded }) : undefined;
  const draft = { ...applied, input, stats: undefined, means, rounded };
  return finish({ draft, rungs: [] }, await produce(draft));
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

/** report → write: everything behind the plan obeys it. */
async function finish(
  { draft, rungs }: Pick<Decision, 'draft' | 'rungs'>,
  { quantized, runs, numbers, metrics, diagnostics, failure: missed }: Outcome,
  training?: Training,
): Promise<Result> {
  const { job, plan: decided, source, types, stats } = draft;
  const { options } = job;
  if (!job.scheme.float || !training) warnIfNothing(job, decided);
  for (const d of diagnostics) note(job, d);
  adviseOnPairs(job, decided, numbers);
  if (decided.placement === 'tensorrt') await checkPlaced(job, { quantized, runs, plan: decided }, source);
  const arrays = packedWeights(numbers);
  const losses = await lossesOf(draft, { metrics, failure: missed });
  options.onProgress?.({ stage: 'report' });
  const report = buildReport({
    name: options.model,
    loaded: job.loaded,
    prepared: job.prepared,
    types,
    plan: decided,
    target: job.target,
    metrics,
    improvements: rungs,
    losses,
    ...measuredSensitivity(draft),
    training,
    quantizedBytes: encodedSize(quantized),
    packed: packedSize(numbers, arrays),
    settings: runSettings(options),
    calibration: { kind: source.kind, source: source.description, samples: source.count ?? metrics.samples },
  });
  const wanted = outputsOf(options);
  const packed =
    wanted.format &&
    (await packFor(job, wanted.format, emitPackable(job.prepared, decided, numbers), source));
  const failure = missed ? explained(missed, losses) : packed && fallbackFailure(packed.report, options);
  stopIfAborted(options.signal);
  if (failure && !options.keep) throw failure;
  options.onProgress?.({ stage: 'write' });
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

function warnIfNothing(job: Job, decided: Plan): void {
  if (decided.weights.length + decided.activations.length > 0) return;
  note(job, {
    level: 'warning',
    code: 'NOTHING_QUANTIZED',
    message: `nothing in this model can be quantized by ${decided.scheme} for ${job.target.name}; the output is the prepared float model`,
  });
}
