import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, TensorValue } from '../runtime/types.js';
import { type Augmentation, augmented } from './augment.js';
import type { Batches } from './batches.js';
import { blended, type Goal, mixed, softmaxRows } from './targets.js';

export interface TeachingOptions {
  goal: Goal;
  batches: Batches;
  /** Class of each sample by its number; without labels the float model teaches alone. */
  labels?: readonly number[];
  /** Instead of labels: what the first term's value is to be for each sample. */
  answers?: readonly Float32Array[];
  /** How much the float model's opinion counts beside labels, 0…1. */
  distill: number;
  augment: readonly Augmentation[];
  seed: number;
  /** The float model on batches of the same size, its outputs the values of all terms. */
  teacher?: Session;
}

/** Batches with what the network is to make of them. */
export class Teaching {
  constructor(readonly options: TeachingOptions) {}

  /** The inputs and targets of some samples. `step` decides how pictures are changed; without it they are not. */
  async batch(numbers: readonly number[], step?: number): Promise<Feeds> {
    const { batches, augment, seed } = this.options;
    const plain = await batches.feeds(numbers);
    const feeds = step === undefined ? plain : augmented(plain, augment, seed, step);
    return { ...feeds, ...(await this.targets(feeds, numbers)) };
  }

  private async targets(feeds: Feeds, numbers: readonly number[]): Promise<Feeds> {
    const { goal, labels, answers, teacher, distill } = this.options;
    const seen = await teacher?.run(feeds);
    return Object.fromEntries(
      goal.terms.map(({ value, target, kind }, i) => {
        const wanted: TensorValue = seen?.[value] ?? {
          dtype: 'float32',
          dims: [],
          data: new Float32Array(0),
        };
        if (answers && i === 0) {
          const given = numbers.map((n) => answers[n]);
          const dims = [numbers.length, ...goal.dims.slice(1)];
          return [
            target,
            { dtype: 'float32', dims, data: blended(given, seen && (wanted.data as Float32Array), distill) },
          ];
        }
        if (kind !== 'cross-entropy') return [target, wanted];
        const shares = seen && softmaxRows(wanted);
        const classes = goal.classes!.count;
        const data = labels
          ? mixed(
              numbers.map((n) => labels[n]),
              classes,
              shares,
              distill,
            )
          : shares!;
        return [target, { dtype: 'float32', dims: [numbers.length, classes], data }];
      }),
    );
  }
}

/** The float model, its outputs what the terms compare. */
export function openTeacher(model: Model, { terms }: Goal, threads?: number): Promise<Session> {
  const outputs = [...new Set(terms.map((t) => t.value))].map((name) => ({ name }));
  return openModel({ ...model, graph: { ...model.graph, outputs } }, { threads });
}
