import { invalidError, usageError } from '../../errors.js';
import type { Model } from '../../ir/model.js';
import { elementCount } from '../../ir/tensor.js';
import { blocksOf, type Goal, goalOf } from '../../train/index.js';
import type { TrainingOptions } from './options.js';
import type { Lessons } from './samples.js';
import type { Sized } from './sizes.js';

/** Linear operators of a part whose values are held. */
const LEAST_LINEAR = 2;

/** @throws QuantizeError UNKNOWN_LAYER, LABELS_UNUSED (usage), LABELS_SHAPE (invalid) */
export function goalFor(
  { model, dims, batch }: Sized,
  { labels, answers }: Lessons,
  options: TrainingOptions,
): Goal {
  const features = options.features ?? (labels || answers ? [] : betweenBlocks(model, dims));
  const unknown = features.find((name) => !dims.has(name));
  if (unknown !== undefined)
    throw usageError('UNKNOWN_LAYER', `there is no value "${unknown}" in the prepared model`, {
      hint: 'name outputs of nodes, as `quantize inspect` lists them',
    });
  const goal = goalOf(model, dims, features, answers === undefined);
  if (labels && !goal.classes)
    throw usageError('LABELS_UNUSED', 'the model is no classifier of one output, and labels are classes', {
      hint: 'give an .npy of floats [samples, …] with what its output is to be, or train without --labels',
    });
  if (answers) checkAnswers(answers, goal, batch, model.graph.outputs.length);
  return goal;
}

/**
 * Values that lead from one part of the network to the next, such as residual sums: a picture says more of what happens inside
 * than the few shares of classes at the end do.
 */
const betweenBlocks = (model: Model, dims: ReadonlyMap<string, number[]>): string[] =>
  blocksOf(model, (name) => dims.has(name), LEAST_LINEAR)
    .slice(0, -1)
    .flatMap(({ outputs }) => outputs);

function checkAnswers(
  [answer]: readonly Float32Array[],
  { dims }: Goal,
  batch: number,
  outputs: number,
): void {
  if (outputs > 1)
    throw usageError('LABELS_UNUSED', `labels say what one output is to be, and the model has ${outputs}`, {
      hint: 'train without --labels: the float model teaches',
    });
  const wanted = elementCount(dims) / batch;
  if (answer.length !== wanted)
    throw invalidError(
      'LABELS_SHAPE',
      `labels have ${answer.length} values a sample, and the output has ${wanted}`,
    );
}
