import { learnedScales, type Quantizers } from './forward.js';
import { layOut, parametersOf } from './parameters.js';
import type { Scales } from './quantizers.js';
import type { Place, Problem } from './types.js';

/** Where each trained value lies in the flat vectors. */
export interface Layout {
  parameters: Place[];
  scales: (Place & { set: Scales })[];
}

export function layoutOf({ model, settings }: Problem, quantizers: Quantizers): Layout {
  const fixed = settings.heldCodes ? quantizers.weights.filter((q) => !q.undecided) : [];
  const held = new Set(fixed.map((q) => q.weight.plan.tensor));
  const parameters = parametersOf(model).filter((t) => !held.has(t.name!));
  const sets = learnedScales(quantizers);
  const places = layOut(sets.map(({ key, dims }) => ({ name: key, dims })));
  return {
    parameters: layOut(parameters.map((t) => ({ name: t.name!, dims: t.dims }))),
    scales: places.map((place, i) => ({ ...place, set: sets[i] })),
  };
}
