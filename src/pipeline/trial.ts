import type { SampleSource } from '../data/types.js';
import { emitQdq } from '../emit/index.js';
import { quantizeNumbers } from '../quantize/index.js';
import { lowestSqnr, verify } from '../verify/index.js';
import type { Draft } from './draft.js';

/** Calibration samples on which drafts are compared: enough to tell which is better, few to wait for. */
const TRIAL_SAMPLES = 8;

/** SQNR of a draft's worst output in dB on the first few samples; Infinity when all are equal. */
export async function score(
  { job, plan, means }: Pick<Draft, 'job' | 'plan' | 'means'>,
  source: SampleSource,
  limit = TRIAL_SAMPLES,
): Promise<number> {
  const { outputs } = await verify({
    float: job.loaded.model,
    quantized: emitQdq(job.prepared, plan, quantizeNumbers(job.prepared, plan, means).numbers),
    source,
    evidence: 'calibration',
    limit,
    unoptimised: 0,
    threads: job.options.threads,
    signal: job.options.signal,
  });
  return lowestSqnr(outputs.map((output) => output.sqnrDb)) ?? Number.POSITIVE_INFINITY;
}

/** Judges drafts on calibration samples, each draft once. */
export class Trial {
  private readonly scores = new WeakMap<Draft, number>();

  constructor(private readonly source: SampleSource) {}

  async score(draft: Draft): Promise<number> {
    const known = this.scores.get(draft) ?? (await score(draft, this.source));
    this.scores.set(draft, known);
    return known;
  }
}
