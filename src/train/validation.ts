import { LOSS } from './graph.js';
import type { Score } from './loop.js';
import { bestClasses } from './targets.js';
import type { Teaching } from './teaching.js';
import type { Evaluator } from './trainer.js';
import type { State } from './types.js';

/** Judges states on samples that are not trained on. */
export class Validation {
  constructor(
    private readonly evaluator: Evaluator,
    private readonly teaching: Teaching,
    private readonly samples: readonly number[],
    private readonly batch: number,
  ) {}

  /** The mean loss, and of classifiers the share of samples whose class is the label, or else the float model's. */
  async score(state: State): Promise<Score> {
    const { goal, labels } = this.teaching.options;
    let [loss, right] = [0, 0];
    const batches = Math.ceil(this.samples.length / this.batch);
    for (let at = 0; at < this.samples.length; at += this.batch) {
      const real = this.samples.slice(at, at + this.batch);
      // Batches have one size; what fills the last one up is not counted.
      const full = Array.from({ length: this.batch }, (_, i) => real[i % real.length]);
      const feeds = await this.teaching.batch(full);
      const out = await this.evaluator.run(feeds, state);
      loss += (out[LOSS].data[0] as number) / batches;
      if (!goal.classes) continue;
      const seen = bestClasses(out[goal.classes.value]);
      const wanted = labels ? full.map((n) => labels[n]) : bestClasses(feeds[goal.terms[0].target]);
      right += real.filter((_, i) => seen[i] === wanted[i]).length;
    }
    return goal.classes ? { loss, accuracy: right / this.samples.length } : { loss };
  }
}
