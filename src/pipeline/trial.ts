import type { SampleSource } from '../data/types.js';
import { emitQdq } from '../emit/index.js';
import { executable } from '../plan/index.js';
import { quantizeNumbers } from '../quantize/index.js';
import { lowestSqnr, verify } from '../verify/index.js';
import type { Draft } from './draft.js';

/** Calibration samples on which drafts are compared: enough to tell which is better, few to wait for. */
const TRIAL_SAMPLES = 8;

/** Judges drafts by the SQNR of their worst output, in dB, on a few calibration samples; each draft once. */
export class Trial {
  private readonly scores = new WeakMap<Draft, number>();

  constructor(private readonly source: SampleSource) {}

  async score(draft: Draft): Promise<number> {
    const known = this.scores.get(draft);
    if (known !== undefined) return known;
    const { job, means, rounded } = draft;
    const plan = executable(draft.plan);
    const { outputs } = await verify({
      float: job.loaded.model,
      quantized: emitQdq(job.prepared, plan, quantizeNumbers(job.prepared, plan, means, rounded).numbers),
      source: this.source,
      evidence: 'calibration',
      limit: TRIAL_SAMPLES,
      unoptimised: 0,
      threads: job.options.threads,
      signal: job.options.signal,
    });
    const score = lowestSqnr(outputs.map((output) => output.sqnrDb)) ?? Number.POSITIVE_INFINITY;
    this.scores.set(draft, score);
    return score;
  }
}
