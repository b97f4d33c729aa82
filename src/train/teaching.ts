import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session } from '../runtime/types.js';
import { type Augmentation, augmented, type Mixture, mixedRows } from './augment/index.js';
import type { Batches } from './batches.js';
import { blended, type Goal, joinedRows, sharesOf, softmaxRows } from './targets.js';

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
    const { feeds, mixture } = step === undefined ? { feeds: plain } : augmented(plain, augment, seed, step);
    return { ...feeds, ...(await this.targets(feeds, numbers, mixture)) };
  }

  private async targets(feeds: Feeds, numbers: readonly number[], mixture?: Mixture): Promise<Feeds> {
    const { goal, teacher, distill } = this.options;
    const seen = await teacher?.run(feeds);
    const given = this.given(numbers, mixture);
    return Object.fromEntries(
      goal.terms.map(({ value, target, kind }, i) => {
        const opinion = seen?.[value];
        const wanted = opinion && (kind === 'cross-entropy' ? softmaxRows(opinion) : opinion.data);
        const data = given && i === 0 ? blended(given, wanted as Float32Array | undefined, distill) : wanted!;
        const dims = opinion?.dims ?? [numbers.length, ...goal.dims.slice(1)];
        return [target, { dtype: 'float32', dims, data }];
      }),
    );
  }

  /** What labels or answers say of the first term; undefined where the float model teaches alone. */
  private given(numbers: readonly number[], mixture?: Mixture): Float32Array | undefined {
    const { goal, labels, answers } = this.options;
    const classes = goal.classes?.count;
    const rows = answers
      ? joinedRows(numbers.map((n) => answers[n]))
      : labels &&
        sharesOf(
          numbers.map((n) => labels[n]),
          classes!,
        );
    return rows && mixture ? mixedRows(rows, rows.length / numbers.length, mixture) : rows;
  }
}

/** The float model, its outputs what the terms compare. */
export function openTeacher(model: Model, { terms }: Goal, threads?: number): Promise<Session> {
  const outputs = [...new Set(terms.map((t) => t.value))].map((name) => ({ name }));
  return openModel({ ...model, graph: { ...model.graph, outputs } }, { threads });
}
