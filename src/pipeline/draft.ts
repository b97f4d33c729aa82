import type { Stats } from '../calibrate/types.js';
import type { SampleSource } from '../data/types.js';
import type { Model } from '../ir/model.js';
import { makePlan, type PlanInput } from '../plan/index.js';
import type { Plan } from '../plan/types.js';
import {
  type ChannelMeans,
  channelMeans,
  expectedMeans,
  type RoundedWeights,
  weightKey,
} from '../quantize/index.js';
import type { ValueMeta } from '../runtime/types.js';
import type { Front } from '../sensitivity/types.js';
import type { Profile } from './damage/profile.js';
import { type Job, planInput, statistics } from './stages.js';
import { meansInTurn } from './steps/drift.js';
import type { Wide } from './steps/wide.js';
import type { Costs } from './steps/worst-layers.js';

export type Means = ReadonlyMap<string, ChannelMeans>;

/** A plan with all that was gathered on the way to it. Steps make new drafts of old ones and leave those as they are. */
export interface Draft {
  /** Its prepared model is the one that the plan speaks of. */
  job: Job;
  /** The prepared model with the constants that it had before any were trained; undefined while it has them. */
  untrained?: Model;
  source: SampleSource;
  types: Map<string, ValueMeta>;
  input: PlanInput;
  stats: Stats | undefined;
  plan: Plan;
  /** What the plan's bias correction needs. */
  means?: Means;
  /** Weights that the plan has rounded by their layers' outputs. */
  rounded?: RoundedWeights;
  /** Of a mixed scheme: what every weight in every format costs, and what a budget buys. */
  profile?: Profile;
  front?: Front;
  /** What activations cost, once that was asked. */
  wide?: Wide;
  /** What layers cost, once that was asked. */
  costs?: Costs;
}

type Ground = Pick<Draft, 'job' | 'source' | 'types'>;

/** calibrate → plan: nothing but ranges and rounding. */
export async function firstDraft({ job, source, types }: Ground): Promise<Draft> {
  const input = planInput(job, types);
  const stats = await statistics(job, input, source);
  job.options.onProgress?.({ stage: 'plan' });
  const plan = makePlan(input, stats, job.options.method, job.loaded.sha256);
  return { job, source, types, input, stats, plan };
}

/** Plans anew from the statistics that there are; what steps have decided besides stays. */
export function replan(
  draft: Draft,
  { method = draft.plan.method, input = draft.input }: { method?: string; input?: PlanInput },
): Draft {
  const { absorption, equalization, biasCorrection, model, trained } = draft.plan;
  const made = withRoundings(makePlan(input, draft.stats, method, model), draft.plan);
  const plan = method === draft.plan.method ? withRanges(made, draft.plan) : made;
  const kept = {
    ...(absorption && { absorption }),
    ...(equalization && { equalization }),
    biasCorrection,
    ...(trained && { trained }),
  };
  return { ...draft, input, plan: { ...plan, ...kept } };
}

/** A plan with the roundings that another has decided for the same weights. */
function withRoundings(plan: Plan, decided: Plan): Plan {
  const known = new Map(decided.weights.map((w) => [weightKey(w), w]));
  const weights = plan.weights.map((w) => {
    const earlier = known.get(weightKey(w));
    if (earlier?.format !== w.format || !(earlier.rounding || earlier.clip)) return w;
    const { rounding, clip, symmetric } = earlier;
    return { ...w, ...(rounding && { rounding }), ...(clip && { clip }), symmetric };
  });
  return { ...plan, weights };
}

/** A plan with the grids that another has by methods of their own, where the formats are the same. */
function withRanges(plan: Plan, decided: Plan): Plan {
  const known = new Map(decided.activations.map((a) => [a.tensor, a]));
  const activations = plan.activations.map((a) => {
    const earlier = known.get(a.tensor);
    if (!earlier || earlier.format !== a.format || earlier.method === a.method) return a;
    const { scale, zeroPoint, range, method } = earlier;
    return { ...a, scale, zeroPoint, range, method };
  });
  return { ...plan, activations };
}

/** The draft with the channel means that its bias correction needs, if it has any. */
export const withMeans = async (draft: Draft): Promise<Draft> =>
  draft.plan.biasCorrection ? { ...draft, means: await meansFor(draft) } : draft;

/** Channel means for the bias correction of a plan. */
export async function meansFor(draft: Pick<Draft, keyof Ground | 'plan' | 'rounded'>): Promise<Means> {
  const { job, source, types, plan } = draft;
  if (plan.biasCorrection === 'expected') return expectedMeans(job.prepared, plan, types, job.spreads);
  return plan.biasCorrection === 'sequential'
    ? meansInTurn(draft)
    : channelMeans(job.prepared, plan, types, source, { threads: job.options.threads });
}
