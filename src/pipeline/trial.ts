import type { SampleSource } from '../data/types.js';
import { emitQdq } from '../emit/index.js';
import { executable } from '../plan/index.js';
import { quantizeNumbers } from '../quantize/index.js';
import { lowestSqnr, verify } from '../verify/index.js';
import type { Draft } from './draft.js';

/** Calibration samples on which drafts are compared: enough to tell which is better, few to wait for. */
const TRIAL_SAMPLES = 8;

/** The last of the samples: steps fit what they fit to the first ones, and would look better on those than they are. */
export const lastOf = (source: SampleSource): SampleSource => {
  const first = Math.max(0, (source.count ?? 0) - TRIAL_SAMPLES);
  return {
    ...source,
    samples: (wanted = () => true) => source.samples((index) => index >= first && wanted(index)),
  };
};

/** Fits to fewer samples than these would suffer from lending some to the trial. */
const ENOUGH_TO_LEND = 4 * TRIAL_SAMPLES;

/** The samples that a step may fit to: all but those that it is judged on, where there are enough. */
export const restOf = (source: SampleSource): SampleSource => {
  const { count = 0 } = source;
  if (count < ENOUGH_TO_LEND) return source;
  const end = count - TRIAL_SAMPLES;
  return {
    ...source,
    samples: (wanted = () => true) => source.samples((index) => index < end && wanted(index)),
  };
};

/**
 * Samples to round weights by, and others to measure on what they then cost: those that a rounding was fitted to would
 * say too little. The last ones, which drafts are judged on, are in neither. Where there are few, both are all of them.
 */
export function fitAndMeasure(
  source: SampleSource,
  measured: number,
): { fit: SampleSource; measure: SampleSource } {
  const { count = 0 } = source;
  const end = count - TRIAL_SAMPLES;
  const middle = end - measured;
  if (middle < measured) return { fit: source, measure: source };
  const part = (from: number, to: number): SampleSource => ({
    ...source,
    count: to - from,
    samples: (wanted = () => true) => source.samples((index) => index >= from && index < to && wanted(index)),
  });
  return { fit: part(0, middle), measure: part(middle, end) };
}

/** SQNR of a draft's worst output in dB on a few samples; Infinity when all are equal. */
export async function score(
  { job, plan: decided, means, rounded }: Pick<Draft, 'job' | 'plan' | 'means' | 'rounded'>,
  source: SampleSource,
  limit = TRIAL_SAMPLES,
): Promise<number> {
  const plan = executable(decided);
  const { outputs } = await verify({
    float: job.loaded.model,
    quantized: emitQdq(job.prepared, plan, quantizeNumbers(job.prepared, plan, means, rounded).numbers),
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

  private readonly source: SampleSource;

  constructor(source: SampleSource) {
    this.source = lastOf(source);
  }

  async score(draft: Draft): Promise<number> {
    const known = this.scores.get(draft) ?? (await score(draft, this.source));
    this.scores.set(draft, known);
    return known;
  }
}
