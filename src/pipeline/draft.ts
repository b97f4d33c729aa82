import type { Stats } from '../calibrate/types.js';
import type { SampleSource } from '../data/types.js';
import { makePlan, type PlanInput } from '../plan/index.js';
import type { Plan } from '../plan/types.js';
import { type ChannelMeans, channelMeans, type RoundedWeights } from '../quantize/index.js';
import type { ValueMeta } from '../runtime/types.js';
import { type Job, planInput, statistics } from './stages.js';

export type Means = ReadonlyMap<string, ChannelMeans>;

/** A plan with all that was gathered on the way to it. Steps make new drafts of old ones and leave those as they are. */
export interface Draft {
  /** Its prepared model is the one that the plan speaks of. */
  job: Job;
  source: SampleSource;
  types: Map<string, ValueMeta>;
  input: PlanInput;
  stats: Stats | undefined;
  plan: Plan;
  /** What the plan's bias correction needs. */
  means?: Means;
  /** Weights that the plan has rounded by their layers' outputs. */
  rounded?: RoundedWeights;
}

type Ground = Pick<Draft, 'job' | 'source' | 'types'>;

/** calibrate → plan: nothing but ranges and rounding. */
export async function firstDraft(ground: Ground): Promise<Draft> {
  const input = planInput(ground.job, ground.types);
  const stats = await statistics(ground.job, input, ground.source);
  ground.job.options.onProgress?.({ stage: 'plan' });
  return replan({ ...ground, input, stats });
}

/** Plans anew from the statistics that there are. */
export function replan(draft: Omit<Draft, 'plan'>, method = draft.job.options.method): Draft {
  const { job, input, stats, source, types } = draft;
  return { job, source, types, input, stats, plan: makePlan(input, stats, method, job.loaded.sha256) };
}

/** Channel means for the bias correction of a plan. */
export const meansFor = ({ job, source, types, plan }: Pick<Draft, keyof Ground | 'plan'>): Promise<Means> =>
  channelMeans(job.prepared, plan, types, source, { threads: job.options.threads });
