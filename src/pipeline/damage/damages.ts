import type { SampleSource } from '../../data/types.js';
import { makePlan } from '../../plan/index.js';
import type { Plan, WeightPlan } from '../../plan/types.js';
import type { Trial } from '../../sensitivity/index.js';
import type { Damage } from '../../sensitivity/types.js';
import type { Draft } from '../draft.js';
import { placeOf, variantsOf } from './candidates.js';
import { measure } from './profile.js';

interface Judges {
  source: SampleSource;
  limit: number;
}

type Values = ReadonlyMap<WeightPlan, Float32Array>;

/** What each rounded activation does to the outputs, all else in float. */
export async function activationDamages(draft: Draft, judges: Judges): Promise<Map<string, Damage>> {
  const tensors = draft.plan.activations.map((a) => a.tensor);
  const trials = tensors.map((tensor) => ({ activations: [tensor] }));
  const { damages } = await measure(draft, [], trials, judges);
  return new Map(tensors.map((tensor, i) => [tensor, damages[i]]));
}

/** What each weight does to the outputs as the draft rounds it, all else in float. */
export async function weightDamages(draft: Draft, judges: Judges): Promise<Map<WeightPlan, Damage>> {
  const values = roundedValues(draft);
  const weights = [...values.keys()];
  const trials = weights.map((w) => ({ weights: new Map([[w, values.get(w)!]]) }));
  const { damages } = await measure(draft, weights, trials, judges);
  return new Map(weights.map((w, i) => [w, damages[i]]));
}

/** What layers do to the outputs when they alone compute in integers: their weights, and all that is rounded for them. */
export async function layerDamages(
  draft: Draft,
  layers: readonly string[],
  judges: Judges,
): Promise<Map<string, Damage>> {
  const values = roundedValues(draft);
  const trials = layers.map((layer) => alone(draft, layer, layers, values));
  const { damages } = await measure(draft, [...values.keys()], trials, judges);
  return new Map(layers.map((layer, i) => [layer, damages[i]]));
}

function alone(
  { input, stats, plan }: Draft,
  layer: string,
  layers: readonly string[],
  values: Values,
): Trial {
  const keepFloat = new Set([...input.keepFloat, ...layers.filter((other) => other !== layer)]);
  const only: Plan = makePlan({ ...input, keepFloat }, stats, plan.method, plan.model);
  const own = [...values].filter(([w]) => w.uses.some(({ node }) => node === layer));
  return { weights: new Map(own), activations: only.activations.map((a) => a.tensor) };
}

/** The values of each weight as the draft rounds them. */
function roundedValues(draft: Draft): Values {
  const { weights } = draft.plan;
  const variants = variantsOf(draft, weights, draft.rounded);
  return new Map(
    weights.flatMap((w) => {
      const found = variants.get(placeOf(w));
      return found ? [[w, found.values] as const] : [];
    }),
  );
}
