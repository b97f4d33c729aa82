import { findTarget } from '../../targets/index.js';
import { emitPackable, encodeSidecar, type PackageFormat, packedSize, packedWeights } from '../emit/index.js';
import type { Diagnostic, QuantizeError } from '../errors.js';
import { encodedSize, saveModel, writeAtomic } from '../onnx/index.js';
import type { Plan } from '../plan/types.js';
import { buildReport, distributions, type Training } from '../report/index.js';
import type { Loss, Report } from '../report/types.js';
import { layerErrors } from './compare.js';
import { explained, lossesOf } from './damage/losses.js';
import { measuredSensitivity } from './damage/profile-rows.js';
import type { Decision } from './decide.js';
import { provenance, type Reported } from './detail.js';
import { runSettings } from './options.js';
import { fallbackFailure, type PackageReport, type Packed, pack, writePackage } from './package/index.js';
import { outputsOf } from './package/places.js';
import type { Outcome } from './produce.js';
import { adviseOnPairs } from './saturation.js';
import { type Job, note, stopIfAborted } from './stages.js';
import { checkPlaced } from './tensorrt.js';

export interface Result extends Reported {
  plan: Plan;
  files: string[];
  diagnostics: Diagnostic[];
  /** The chip's own package, where one was asked for. */
  package?: PackageReport;
  /** The gate that failed although the model was written (`keep`). */
  failedGate?: QuantizeError;
}

type Decided = Pick<Decision, 'draft' | 'rungs'>;

/**
 * report → write: everything behind the plan obeys it.
 * @throws QuantizeError the gate that failed, and nothing is written, unless `keep` is set
 */
export async function finish(decided: Decided, outcome: Outcome, training?: Training): Promise<Result> {
  const { draft } = decided;
  const { job, plan, source, stats } = draft;
  const { options } = job;
  await adviseOn(decided, outcome, training !== undefined);
  const arrays = packedWeights(outcome.numbers);
  const losses = await lossesOf(draft, outcome);
  options.onProgress?.({ stage: 'report' });
  const packed = packedSize(outcome.numbers, arrays);
  const report = reportOf(decided, outcome, { losses, packed, training });
  const contents = await packageOf(decided, outcome);
  const failure = outcome.failure
    ? explained(outcome.failure, losses)
    : contents && fallbackFailure(contents.report, options);
  stopIfAborted(options.signal);
  if (failure && !options.keep) throw failure;
  const files = await write(job, outcome, arrays, contents);
  if (failure)
    note(job, {
      level: 'warning',
      code: failure.code,
      message: `${failure.message}; written all the same (--keep)`,
    });
  const detail = async () => ({
    report,
    plan,
    distributions: distributions(job.prepared, plan, stats),
    layerErrors: await layerErrors(job.prepared, outcome.runs, source, options),
    provenance: provenance(options),
  });
  const { diagnostics } = job;
  return { plan, report, detail, files, diagnostics, package: contents?.report, failedGate: failure };
}

/** What the user should know of the model, whatever the figures say. */
async function adviseOn({ draft }: Decided, outcome: Outcome, isTrained: boolean): Promise<void> {
  const { job, plan, source } = draft;
  if (!job.scheme.float || !isTrained) warnIfNothing(job, plan);
  for (const d of outcome.diagnostics) note(job, d);
  adviseOnPairs(job, plan, outcome.numbers);
  if (plan.placement === 'tensorrt') await checkPlaced(job, { ...outcome, plan }, source);
}

function warnIfNothing(job: Job, decided: Plan): void {
  if (decided.weights.length + decided.activations.length > 0) return;
  note(job, {
    level: 'warning',
    code: 'NOTHING_QUANTIZED',
    message: `nothing in this model can be quantized by ${decided.scheme} for ${job.target.name}; the output is the prepared float model`,
  });
}

function reportOf(
  { draft, rungs }: Decided,
  { quantized, metrics }: Outcome,
  more: { losses: Loss[]; packed: ReturnType<typeof packedSize>; training?: Training },
): Report {
  const { job, plan, source, types } = draft;
  const { kind, description, count } = source;
  return buildReport({
    name: job.options.model,
    loaded: job.loaded,
    prepared: job.prepared,
    types,
    plan,
    target: job.target,
    metrics,
    improvements: rungs,
    ...more,
    ...measuredSensitivity(draft),
    quantizedBytes: encodedSize(quantized),
    settings: runSettings(job.options),
    calibration: { kind, source: description, samples: count ?? metrics.samples },
  });
}

/** The chip's own package, where one is wanted. */
async function packageOf({ draft }: Decided, { numbers }: Outcome): Promise<Packed | undefined> {
  const { job, plan, source } = draft;
  const { format } = outputsOf(job.options);
  if (!format) return undefined;
  warnOfOtherChip(job, format);
  const packed = await pack(format, emitPackable(job.prepared, plan, numbers), source, job.options);
  for (const d of packed.diagnostics) note(job, d);
  return packed;
}

/** A chip that someone described may leave its package unsaid. */
function warnOfOtherChip(job: Job, { id, chip }: PackageFormat): void {
  const { target } = job;
  if (target.package === id || (target.package === undefined && !findTarget(target.id))) return;
  note(job, {
    level: 'warning',
    code: 'PACKAGE_OTHER_CHIP',
    message: `what is rounded, and how, was decided for ${target.name}, and the package is for ${chip}: --target names the chip`,
  });
}

/** Each file whole or not at all; returns the paths. */
async function write(
  { options }: Job,
  { quantized, numbers }: Outcome,
  arrays: ReturnType<typeof packedWeights>,
  packed: Packed | undefined,
): Promise<string[]> {
  options.onProgress?.({ stage: 'write' });
  const wanted = outputsOf(options);
  const files = wanted.model ? await saveModel(quantized, wanted.model) : [];
  if (options.sidecar) {
    await writeAtomic(options.sidecar, encodeSidecar(numbers, arrays));
    files.push(options.sidecar);
  }
  if (packed) files.push(await writePackage(packed, wanted.package!));
  return files;
}
