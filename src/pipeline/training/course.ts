import {
  Batches,
  copyState,
  type Goal,
  layoutOf,
  openEvaluator,
  openTeacher,
  openTrainer,
  type Problem,
  type Progress,
  quantizersOf,
  stepsAnEpoch,
  Teaching,
  type Trainer,
  train,
  Validation,
} from '../../train/index.js';
import type { Draft } from '../draft.js';
import { note } from '../stages.js';
import { checkpointAt } from './checkpoint.js';
import { trainedDraft } from './finish.js';
import { goalFor } from './goal.js';
import { megabytes, requireMemory, trainingBytes } from './memory.js';
import { TRAINING_DEFAULTS, type TrainingOptions } from './options.js';
import { type Lessons, lessonsFor } from './samples.js';
import { defaultBatch, type Sized, sized } from './sizes.js';
import { startOf, withConstants } from './start.js';
import { summary, type Trained } from './summary.js';
import { unreached } from './unreached.js';

export interface Course {
  draft: Draft;
  trained: Trained;
}

/**
 * Trains the draft's network with its rounding in the forward pass; the draft that comes back holds what was learned.
 * @throws QuantizeError TRAIN_SAMPLES, TRAIN_SHAPES, TRAINING_DIVERGED, CHECKPOINT_OTHER, INTERRUPTED
 */
export async function trainDraft(draft: Draft, options: TrainingOptions): Promise<Course> {
  const lessons = await lessonsFor(draft, options);
  const batch = Math.min(options.batch ?? defaultBatch(lessons.first), lessons.training.length);
  const fixed = await sized(draft.job.prepared, lessons.first, batch);
  if (fixed.batch !== batch)
    note(draft.job, {
      level: 'warning',
      code: 'TRAIN_BATCH',
      message: `the model fixes its batch, so it is trained with one sample a step`,
    });
  const goal = goalFor(fixed, lessons, options);
  const problem = problemOf(draft, fixed, goal.terms, options);
  const bytes = await trainingBytes(problem);
  draft.job.options.onProgress?.({ stage: 'train', message: `about ${megabytes(bytes)} MB of memory` });
  requireMemory(bytes, fixed.batch, draft.job.options.memory);
  const started = performance.now();
  const progress = await run(draft, problem, { goal, fixed, lessons, options });
  const quantizers = quantizersOf(problem);
  const { state } = progress.best!;
  const layout = layoutOf(problem, quantizers);
  const next = trainedDraft(draft, state, layout, quantizers, options.heldCodes);
  const seconds = (performance.now() - started) / 1000;
  return {
    draft: next,
    trained: summary(progress, { lessons, options, batch: fixed.batch, seconds, bytes }),
  };
}

function problemOf(
  draft: Draft,
  { model, dims }: Sized,
  terms: Problem['terms'],
  options: TrainingOptions,
): Problem {
  const { weights, constants } = startOf(draft, options.heldCodes);
  return {
    model: withConstants(model, constants),
    dims,
    quantized: { plan: draft.plan, weights },
    terms,
    settings: {
      optimiser: options.optimiser ?? TRAINING_DEFAULTS.optimiser,
      learnScales: !options.fixedScales,
      clip: options.clip ?? TRAINING_DEFAULTS.clip,
      annealing: (options.annealing ?? 0) > 0,
      heldCodes: options.heldCodes,
      masters: options.masters,
    },
  };
}

/** The float model itself, whatever blocks were trained to before: their biases make up for rounding. */
async function teacherOf(draft: Draft, fixed: Sized, { first }: Lessons, goal: Goal) {
  const { untrained, job } = draft;
  const { model } = untrained ? await sized(untrained, first, fixed.batch) : fixed;
  return openTeacher(model, goal, job.options.threads);
}

async function run(
  draft: Draft,
  problem: Problem,
  { goal, fixed, lessons, options }: { goal: Goal; fixed: Sized; lessons: Lessons; options: TrainingOptions },
): Promise<Progress> {
  const { job } = draft;
  const { threads, seed = 0, signal } = job.options;
  const trainer = await openTrainer(problem, threads);
  const outputs = goal.classes ? [goal.classes.value] : [];
  const evaluator = await openEvaluator(problem, outputs, threads);
  const taught = lessons.labels ?? lessons.answers;
  const distill = options.distill ?? (taught ? 0 : 1);
  const teacher =
    !taught || distill > 0 || goal.terms.length > 1
      ? await teacherOf(draft, fixed, lessons, goal)
      : undefined;
  try {
    tellFrozen(draft, trainer);
    const batches = new Batches(lessons.source);
    const { labels, answers } = lessons;
    const teaching = new Teaching({
      goal,
      batches,
      labels,
      answers,
      distill,
      augment: options.augment ?? [],
      seed,
      teacher,
    });
    const judge = new Validation(evaluator, teaching, lessons.validation, fixed.batch);
    const steps = stepsOf(options, lessons.training.length, fixed.batch);
    const checkpoint = checkpointAt(options.checkpoint, {
      model: job.loaded.sha256,
      plan: draft.plan,
      options,
      steps,
      seed,
      batch: fixed.batch,
    });
    const before = await judge.score(trainer.state);
    // Where it starts is a candidate too: training that only hurts leaves the network as it was.
    const best = { state: copyState(trainer.state), epoch: START, score: before };
    const from = checkpoint.read(trainer.state) ?? { step: 0, state: trainer.state, history: [], best };
    return await train(
      trainer,
      {
        samples: lessons.training,
        batch: fixed.batch,
        schedule: scheduleOf(options, steps, fixed.batch),
        seed,
        patience: options.patience ?? TRAINING_DEFAULTS.patience,
        teach: (numbers, step) => teaching.batch(numbers, step),
        validate: (state) => judge.score(state),
        save: checkpoint.write,
        onStep: ({ step, loss, best }) =>
          job.options.onProgress?.({
            stage: 'train',
            done: step,
            total: steps,
            message: stepText(loss, best ?? before),
          }),
        signal,
      },
      from,
    );
  } finally {
    await Promise.all([trainer.release(), evaluator.release(), teacher?.release()]);
  }
}

/** Before the first epoch. */
const START = -1;

const stepText = (loss: number, { accuracy }: { accuracy?: number }): string =>
  `loss ${loss.toPrecision(3)}${accuracy === undefined ? '' : `, best ${(100 * accuracy).toFixed(1)} %`}`;

const stepsOf = (
  { steps, epochs = TRAINING_DEFAULTS.epochs }: TrainingOptions,
  samples: number,
  batch: number,
) => steps ?? epochs * stepsAnEpoch(samples, batch);

/** Smaller batches have noisier gradients: of Adam's, steps are to shrink as the root (arXiv 2205.10287). */
const scheduleOf = ({ rate, scaleRate, annealing }: TrainingOptions, steps: number, batch: number) => {
  const calm = Math.sqrt(Math.min(1, batch / TRAINING_DEFAULTS.batch));
  return {
    steps,
    rate: rate ?? calm * TRAINING_DEFAULTS.rate,
    scaleRate: scaleRate ?? calm * TRAINING_DEFAULTS.scaleRate,
    warmUp: 0.05,
    frozenEnd: 0.15,
    annealing: annealing ?? TRAINING_DEFAULTS.annealing,
  };
};

/** Says what is not trained, and which operators are the reason. */
function tellFrozen({ job }: Draft, { frozen, cuts }: Trainer): void {
  if (frozen.length === 0) return;
  note(job, {
    level: 'warning',
    code: 'TRAIN_FROZEN',
    message: `${frozen.length} constants stay as they are ${unreached({ frozen, cuts })}`,
  });
}
