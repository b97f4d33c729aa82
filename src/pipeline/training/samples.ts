import { readAnswers } from '../../data/index.js';
import type { SampleSource } from '../../data/types.js';
import { invalidError, usageError } from '../../errors.js';
import type { Feeds } from '../../runtime/types.js';
import { shuffled } from '../../train/index.js';
import type { Draft } from '../draft.js';
import { labelsFor, samplesOf } from '../samples.js';
import type { TrainingOptions } from './options.js';

/** What is trained on and what is judged on, by number. */
export interface Lessons {
  source: SampleSource;
  labels?: number[];
  /** Instead of classes: what the network's output is to be. */
  answers?: Float32Array[];
  training: number[];
  validation: number[];
  first: Feeds;
}

/** One of so many samples judges, and so many at least and at most, where there are enough to train on beside them. */
const HELD_OUT = 10;
const LOT = 1;
const ENOUGH = 64;
const [LEAST_JUDGES, MOST_JUDGES] = [16, 500];

/**
 * The samples to train on: as given, else those of the calibration.
 * @throws QuantizeError TRAIN_SAMPLES (invalid)
 */
export async function lessonsFor(
  { job, source: calibration }: Draft,
  options: TrainingOptions,
): Promise<Lessons> {
  const source = options.data ? await samplesOf(job.options, job.prepared, options.data) : calibration;
  if (source.kind === 'synthetic' || source.count === undefined)
    throw invalidError('TRAIN_SAMPLES', 'training needs real samples that can be read more than once', {
      hint: 'give a folder or a file with --data',
    });
  const { count } = source;
  const answers = options.labels === undefined ? undefined : await readAnswers(options.labels, count);
  const labels = answers ? undefined : await labelsFor(options.labels, source);
  if (options.labels && !options.data)
    throw usageError('LABELS_WITHOUT_SAMPLES', '--labels needs the samples that they label', {
      hint: 'add --data',
    });
  return {
    source,
    labels,
    answers,
    ...heldOut(count),
    first: await firstOf(source),
  };
}

/** Numbers of samples to train on, and those that judge: drawn by lot, as samples may lie in the order of their classes. */
export function heldOut(count: number): Pick<Lessons, 'training' | 'validation'> {
  const numbers = Array.from({ length: count }, (_, i) => i);
  if (count < ENOUGH) return { training: numbers, validation: numbers };
  const judges = Math.min(MOST_JUDGES, Math.max(LEAST_JUDGES, Math.ceil(count / HELD_OUT)));
  const validation = shuffled(numbers, LOT, 0).slice(0, judges);
  const held = new Set(validation);
  return { training: numbers.filter((n) => !held.has(n)), validation };
}

/** @throws QuantizeError NO_SAMPLES (invalid) */
export async function firstOf(source: SampleSource): Promise<Feeds> {
  for await (const { feeds } of source.samples((i) => i === 0)) return feeds;
  throw invalidError('NO_SAMPLES', `there are no samples in ${source.description}`);
}
