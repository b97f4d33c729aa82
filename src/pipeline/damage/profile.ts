import { elementOf } from '../../../kernels/grid.js';
import type { SampleSource } from '../../data/types.js';
import { emitQdq } from '../../emit/index.js';
import type { Model } from '../../ir/model.js';
import { executable } from '../../plan/index.js';
import type { WeightPlan } from '../../plan/types.js';
import type { RoundedWeights } from '../../quantize/index.js';
import { nodeMacs } from '../../report/macs.js';
import { shapesOf } from '../../report/shapes.js';
import { type LocalError, localErrors, measureTrials, scaled, type Trial } from '../../sensitivity/index.js';
import type { CandidateDamage, Damage, LayerSensitivity } from '../../sensitivity/types.js';
import type { Draft } from '../draft.js';
import { roundedFor } from '../steps/rounding.js';
import { type Candidate, placeOf, plansIn, type Variant, variantsOf } from './candidates.js';

/** What each weight in each format, and each rounded activation, does to the outputs of a draft's model. */
export interface Profile {
  candidates: Candidate[];
  /** By candidate id, then by place. */
  variants: Map<string, Map<string, Variant>>;
  /** By candidate id: weights that were rounded by the second moments of their inputs. */
  rounded: Map<string, RoundedWeights>;
  /** Without actions and accumulated errors; by the place of the weight, in the order of the plan. */
  layers: Map<string, Omit<LayerSensitivity, 'action'>>;
  activations: Map<string, Damage>;
  activationsOnly: Damage;
  samples: number;
}

export interface ProfileOptions {
  source: SampleSource;
  /** Samples that global damage is measured on. */
  limit: number;
  labels?: ArrayLike<number | undefined>;
  /** Round variants by the second moments of their inputs, as the finished model would be. */
  byOutputs?: boolean;
}

/** Damage differs more between layers than between samples; who wants agreement to a percent asks for more. */
export const DAMAGE_SAMPLES = 16;
/** Weights of so many bits are next to lossless: their damage follows from that of coarser ones. */
const ESTIMATED_BITS = 16;
/** Time of an element that an operator makes beside that of a multiply-accumulate. */
const ELEMENT_WORK = 8;

/**
 * Local and global damage of every weight in every candidate format, and global damage of every rounded activation.
 * @throws QuantizeError INTERRUPTED; RUN_FAILED (invalid)
 */
export async function profileOf(
  draft: Draft,
  candidates: readonly Candidate[],
  options: ProfileOptions,
): Promise<Profile> {
  const { variants, rounded } = await allVariants(draft, candidates, options.byOutputs ?? false);
  const weights = draft.plan.weights.filter((w) => [...variants.values()].every((v) => v.has(placeOf(w))));
  const trials = trialsOf(draft, candidates, variants, weights);
  const measured = await measure(draft, weights, [...trials.values()], options);
  const damages = new Map([...trials.keys()].map((key, i) => [key, measured.damages[i]]));
  const local = await localOf(draft, candidates, variants, weights, options.source);
  const activations = new Map(
    draft.plan.activations.map(({ tensor }) => [tensor, damages.get(activationKey(tensor))!]),
  );
  return {
    candidates: [...candidates],
    variants,
    rounded,
    layers: new Map(
      weights.map((w) => [
        placeOf(w),
        layerOf(draft, w, candidates, (id) => ({
          variant: variants.get(id)!.get(placeOf(w))!,
          local: local.get(id)!.get(w),
          global: damages.get(weightKey(w, id)),
        })),
      ]),
    ),
    activations,
    activationsOnly: damages.get(ALL)!,
    samples: measured.samples,
  };
}

const ALL = 'activations';
const activationKey = (tensor: string): string => `activation ${tensor}`;
const weightKey = (w: WeightPlan, id: string): string => `${id} ${placeOf(w)}`;

async function allVariants(draft: Draft, candidates: readonly Candidate[], byOutputs: boolean) {
  const variants: Profile['variants'] = new Map();
  const rounded: Profile['rounded'] = new Map();
  for (const candidate of candidates) {
    const plans = plansIn(draft, candidate);
    if (byOutputs) rounded.set(candidate.id, await roundedIn(draft, plans));
    variants.set(candidate.id, variantsOf(draft, plans, rounded.get(candidate.id)));
  }
  return { variants, rounded };
}

/** Formats that are next to lossless gain nothing by it. */
const roundedIn = (draft: Draft, weights: WeightPlan[]) => {
  const by = weights.map((w) =>
    elementOf(w.format).bits < ESTIMATED_BITS ? { ...w, rounding: 'hessian' as const } : w,
  );
  return roundedFor({ ...draft, plan: { ...draft.plan, weights: by } });
};

function trialsOf(
  { plan }: Draft,
  candidates: readonly Candidate[],
  variants: Profile['variants'],
  weights: readonly WeightPlan[],
): Map<string, Trial> {
  const trials = new Map<string, Trial>([[ALL, { activations: 'all' }]]);
  for (const { tensor } of plan.activations) trials.set(activationKey(tensor), { activations: [tensor] });
  const run = candidates.filter((c) => elementOf(c.weights).bits < ESTIMATED_BITS);
  for (const { id } of run.length > 0 ? run : candidates)
    for (const w of weights)
      trials.set(weightKey(w, id), {
        weights: new Map([[w, variants.get(id)!.get(placeOf(w))!.values]]),
      });
  return trials;
}

/** What trials of a draft's weights and activations do to its outputs. @param weights those that trials change */
export function measure(
  draft: Draft,
  weights: readonly WeightPlan[],
  trials: readonly Trial[],
  { source, limit, labels }: ProfileOptions,
) {
  const { job, types } = draft;
  const { threads, signal, onProgress } = job.options;
  const shapes = shapesOf(job.prepared, types);
  const work = new Map(
    job.prepared.graph.nodes.map((n) => [
      n.name,
      nodeMacs(n, shapes) + ELEMENT_WORK * shapes.count(n.outputs[0]),
    ]),
  );
  return measureTrials(withActivations(draft), weights, types, source, trials, {
    limit,
    labels,
    threads,
    signal,
    work: (node) => work.get(node.name) ?? 0,
    onProgress: (done, total) => onProgress?.({ stage: 'sensitivity', done, total }),
  });
}

/** The model with its activations rounded and every weight in float. */
export function withActivations({ job, plan }: Draft): Model {
  const bare = executable({ ...plan, weights: [], biases: [], dynamic: [] });
  return emitQdq(job.prepared, bare, { weights: [], biases: [] });
}

async function localOf(
  { job }: Draft,
  candidates: readonly Candidate[],
  variants: Profile['variants'],
  weights: readonly WeightPlan[],
  source: SampleSource,
): Promise<Map<string, Map<WeightPlan, LocalError>>> {
  const { threads, signal } = job.options;
  const values = candidates.map(
    ({ id }) => new Map(weights.map((w) => [w, variants.get(id)!.get(placeOf(w))!.values])),
  );
  const errors = await localErrors(job.prepared, weights, source, values, { threads, signal });
  return new Map(candidates.map(({ id }, i) => [id, errors[i]]));
}

interface Found {
  variant: Variant;
  local?: LocalError;
  global?: Damage;
}

function layerOf(
  { job, plan }: Draft,
  w: WeightPlan,
  candidates: readonly Candidate[],
  find: (id: string) => Found,
): Omit<LayerSensitivity, 'action'> {
  const [use] = w.uses;
  const node = job.prepared.graph.nodes.find((n) => n.name === use.node);
  const found = candidates.map(({ id }) => ({ id, ...find(id) }));
  const finest = found.findLast((f) => f.global);
  return {
    node: use.node,
    opType: node?.opType ?? '',
    tensor: w.tensor,
    parameters: found[0].variant.values.length,
    candidates: found.map(
      ({ id, variant, local, global }): CandidateDamage => ({
        candidate: id,
        bytes: variant.bytes,
        entropyBits: variant.entropyBits,
        localDb: local && local.noise > 0 ? 10 * Math.log10(local.signal / local.noise) : null,
        global: global ?? scaled(finest!.global!, ratioOf(local, finest!.local)),
      }),
    ),
    activations: plan.activations.filter((a) => node?.inputs.includes(a.tensor)).map((a) => a.tensor),
  };
}

const ratioOf = (a: LocalError | undefined, b: LocalError | undefined): number =>
  a && b && b.noise > 0 ? a.noise / b.noise : 0;
