import { readFileSync } from 'node:fs';
import { absorb, misfit, rescaled, unfit } from '../equalize/index.js';
import { invalidError, unsupportedError } from '../errors.js';
import { checkPlan, decodePlan, planMisfit } from '../plan/index.js';
import { meansFor } from './draft.js';
import { finish, type Result } from './finish.js';
import type { JobOptions } from './options.js';
import { outputsOf } from './package/places.js';
import { produce } from './produce.js';
import { calibrationSource, evaluationSet } from './samples.js';
import { openJob, planInput, typesFor } from './stages.js';
import { roundedFor } from './steps/rounding.js';

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
