import type { LayerFormat } from '../../plan/flow.js';
import { makePlan } from '../../plan/index.js';
import type { Plan, WeightPlan } from '../../plan/types.js';
import { type RoundedWeights, weightKey } from '../../quantize/index.js';
import { decibel } from '../../report/units.js';
import { type Candidate, placeOf } from '../damage/candidates.js';
import type { Profile } from '../damage/profile.js';
import type { Draft } from '../draft.js';
import { lastOf, score } from '../trial.js';

/** SQNR of the worst output in dB with these formats, rounded as the profile has them. */
export const verifiedDb = (
  draft: Draft,
  found: Profile,
  formats: ReadonlyMap<string, string>,
): Promise<number> => score(withFormats(draft, found, formats), lastOf(draft.source));

/** The draft with each layer in its format, rounded as the profile has it. */
export function withFormats(draft: Draft, found: Profile, formats: ReadonlyMap<string, string>): Draft {
  const { input, stats, plan } = draft;
  const ids = new Map(found.candidates.map((c) => [c.id, c]));
  const own = new Map<string, LayerFormat>();
  for (const weight of plan.weights) {
    const candidate = ids.get(formats.get(placeOf(weight)) ?? '');
    if (candidate) for (const { node } of weight.uses) own.set(node, formatOf(candidate, found, weight));
  }
  const next = { ...input, formats: own };
  const made = makePlan(next, stats, plan.method, plan.model);
  const rounded: RoundedWeights = new Map(
    made.weights.flatMap((w) => {
      const value = found.rounded.get(formats.get(placeOf(w)) ?? '')?.get(weightKey(w));
      return value ? [[weightKey(w), value] as const] : [];
    }),
  );
  const { absorption, equalization } = plan;
  const weights = made.weights.map((w) =>
    rounded.has(weightKey(w)) ? { ...w, rounding: 'hessian' as const } : w,
  );
  return {
    ...draft,
    input: next,
    plan: { ...made, weights, ...(absorption && { absorption }), ...(equalization && { equalization }) },
    rounded,
    means: undefined,
  };
}

function formatOf({ id, weights, granularity }: Candidate, found: Profile, plan: WeightPlan): LayerFormat {
  const damage = found.layers.get(placeOf(plan))?.candidates.find((c) => c.candidate === id);
  const alone = damage ? `, ${decibel(damage.global.sqnrDb)} at the outputs alone` : '';
  return { weights, granularity, reason: `${id} by the budget${alone}` };
}

/** To the nearest again. */
export const unrounded = ({ plan }: Draft): Plan => ({
  ...plan,
  weights: plan.weights.map(({ rounding, ...w }) =>
    rounding === 'hessian' ? w : { ...w, ...(rounding && { rounding }) },
  ),
});
