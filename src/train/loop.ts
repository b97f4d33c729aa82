import { invalidError, QuantizeError } from '../errors.js';
import type { Feeds } from '../runtime/types.js';
import { shuffled, uniform } from './random.js';
import { paceAt, type Schedule } from './schedule.js';
import { copyState } from './state.js';
import type { Trainer } from './trainer.js';
import type { State } from './types.js';

/** How good a state is on samples that it was not trained on: the loss, and the share of classes that are right. */
export interface Score {
  loss: number;
  accuracy?: number;
}

export interface Epoch extends Score {
  epoch: number;
  /** Steps taken by its end. */
  step: number;
  /** Mean loss of its training batches. */
  trainLoss: number;
  rate: number;
}

/** All that a run must know to go on where it was. */
export interface Progress {
  step: number;
  state: State;
  history: Epoch[];
  best?: { state: State; epoch: number; score: Score };
}

export interface Lesson {
  /** Numbers of the samples to train on. */
  samples: readonly number[];
  batch: number;
  schedule: Schedule;
  seed: number;
  /** Epochs without a better score after which training ends; 0: never. */
  patience: number;
  /** The batch of these samples with its targets; `step` counts from 1. */
  teach(numbers: readonly number[], step: number): Promise<Feeds>;
  validate(state: State): Promise<Score>;
  /** After each epoch. */
  save?(progress: Progress): Promise<void>;
  onStep?(step: { step: number; loss: number; best?: Score }): void;
  signal?: AbortSignal;
}

/** What is drawn for weights between steps, apart from what is drawn for orders of samples. */
const MASTERS = -1;

/** By the loss: of a few hundred judges, whose class changes is a matter of luck. */
const better = (a: Score, b: Score | undefined): boolean => b === undefined || a.loss < b.loss;

/**
 * Whether an epoch may be the one that is taken: while rates are high its loss on few judges is a matter of luck, and the least
 * of many is no good one. A run that may end early has no other.
 */
const counts = (step: number, { schedule, patience }: Lesson): boolean =>
  patience > 0 || step > schedule.steps * (1 - schedule.frozenEnd);

/** Steps of one epoch; what is left over waits for the next order. */
export const stepsAnEpoch = (samples: number, batch: number): number =>
  Math.max(1, Math.floor(samples / batch));

/**
 * Trains step by step, validates after each epoch, and keeps the best state. The order of samples follows from seed and
 * epoch, so a run that goes on from `progress` does what it would have done.
 * @throws QuantizeError TRAINING_DIVERGED (invalid), INTERRUPTED
 */
export async function train(trainer: Trainer, lesson: Lesson, progress: Progress): Promise<Progress> {
  const { samples, batch, schedule, seed, patience, signal } = lesson;
  const each = stepsAnEpoch(samples.length, batch);
  trainer.state = progress.state;
  while (progress.step < schedule.steps) {
    const epoch = progress.history.length;
    const order = shuffled(samples, seed, epoch);
    const last = Math.min(schedule.steps, progress.step + each);
    let total = 0;
    for (let step = progress.step + 1; step <= last; step++) {
      if (signal?.aborted) throw new QuantizeError('interrupted', 'INTERRUPTED', 'stopped as asked');
      const at = (step - progress.step - 1) * batch;
      const feeds = await lesson.teach(order.slice(at, at + batch), step);
      const draw = Math.floor(uniform(seed, step, MASTERS) * 2 ** 32);
      const { loss } = await trainer.step(feeds, { ...paceAt(schedule, step), draw });
      requireFinite(loss, step);
      total += loss;
      lesson.onStep?.({ step, loss, best: progress.best?.score });
    }
    const score = await lesson.validate(trainer.state);
    const { rate } = paceAt(schedule, last);
    const entry = { epoch, step: last, trainLoss: total / (last - progress.step), rate, ...score };
    const history = [...progress.history, entry];
    const taken = counts(last, lesson) && better(score, progress.best?.score);
    const best = taken ? { state: copyState(trainer.state), epoch, score } : progress.best;
    progress = { step: last, state: trainer.state, history, best };
    await lesson.save?.(progress);
    if (patience > 0 && epoch - progress.best!.epoch >= patience) break;
  }
  return progress;
}

function requireFinite(loss: number, step: number): void {
  if (Number.isFinite(loss)) return;
  throw invalidError('TRAINING_DIVERGED', `the loss is ${loss} at step ${step}`, {
    hint: 'train with a smaller --lr, or clip gradients with --clip',
  });
}
