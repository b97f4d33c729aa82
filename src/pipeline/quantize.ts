import { usageError } from '../errors.js';
import type { Plan } from '../plan/types.js';
import type { Training } from '../report/index.js';
import { checkOptions } from './checks.js';
import { climb, type Decision, decide } from './decide.js';
import { finish, type Result } from './finish.js';
import type { JobOptions } from './options.js';
import { outputsOf } from './package/places.js';
import { type Outcome, produce } from './produce.js';
import { note, openJob } from './stages.js';
import { stepsFor } from './steps/index.js';
import { trainDraft, worthOf } from './training/index.js';

/**
 * The main job: load → prepare → calibrate → plan → quantize → emit → verify → report → write. The model is written
 * last and atomically; a gate that fails (exit code 5) writes nothing unless `keep` is set.
 */
export async function quantize(options: JobOptions): Promise<Result> {
  outputsOf(options);
  await checkOptions(options);
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
  await checkOptions(options);
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
  await checkOptions(options);
  const steps = stepsFor(options).first.filter((step) => !step.beyondPlans);
  return (await decide(await openJob(options), steps)).draft.plan;
};
