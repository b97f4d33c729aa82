import type { SampleSource } from '../data/types.js';
import { emitQdq } from '../emit/index.js';
import type { Plan } from '../plan/types.js';
import { type ChannelMeans, channelMeans, quantizeNumbers } from '../quantize/index.js';
import type { ValueMeta } from '../runtime/types.js';
import { lowestSqnr, verify } from '../verify/index.js';
import type { Job } from './stages.js';

/** Calibration samples on which the two ways are compared: enough to tell which is better, few to wait for. */
const TRIAL_SAMPLES = 8;

export type Means = ReadonlyMap<string, ChannelMeans>;

/** Channel means for the plan's bias correction; undefined when it asks for none. */
export const meansFor = async (
  job: Job,
  plan: Plan,
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
): Promise<Means | undefined> =>
  plan.biasCorrection
    ? channelMeans(job.prepared, plan, types, source, { threads: job.options.threads })
    : undefined;

/**
 * Bias correction helps most networks, and hurts some whose answer lies in rare values (the one face in an image).
 * So it is tried on a few calibration samples and kept when the worst output gains by it.
 */
export async function settleCorrection(
  job: Job,
  plan: Plan,
  source: SampleSource,
  means: Means | undefined,
): Promise<Plan> {
  if (!means || means.size === 0) return { ...plan, biasCorrection: false };
  const [corrected, plain] = [
    await trial(job, plan, source, means),
    await trial(job, plan, source, undefined),
  ];
  return { ...plan, biasCorrection: corrected >= plain };
}

/** SQNR of the worst output in dB. */
async function trial(job: Job, plan: Plan, source: SampleSource, means: Means | undefined): Promise<number> {
  const { outputs } = await verify({
    float: job.loaded.model,
    quantized: emitQdq(job.prepared, plan, quantizeNumbers(job.prepared, plan, means).numbers),
    source,
    evidence: 'calibration',
    limit: TRIAL_SAMPLES,
    unoptimised: 0,
    threads: job.options.threads,
    signal: job.options.signal,
  });
  return lowestSqnr(outputs.map((output) => output.sqnrDb)) ?? Number.POSITIVE_INFINITY;
}
