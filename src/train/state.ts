import type { Tensor } from '../ir/model.js';
import { STATE } from './graph.js';
import type { Layout } from './layout.js';
import { gather, totalOf } from './parameters.js';
import type { Place, State, Vector } from './types.js';

const vector = (value: Float32Array): Vector => ({
  value,
  first: new Float32Array(value.length),
  second: new Float32Array(value.length),
});

/** Where training starts: the model's constants and the scales of the plan. */
export function initialState({ parameters, scales }: Layout, constants: readonly Tensor[]): State {
  const byName = new Map(constants.map((t) => [t.name ?? '', t]));
  const weights = gather(
    parameters,
    parameters.map((p) => byName.get(p.name)!),
  );
  const steps = new Float32Array(totalOf(scales));
  for (const { offset, set } of scales) steps.set(set.initial, offset);
  return { weights: vector(weights), scales: vector(steps) };
}

/** The vectors in the order of STATE. */
export const vectorsOf = ({ weights, scales }: State): Float32Array[] => [
  ...[weights.value, weights.first, weights.second],
  ...[scales.value, scales.first, scales.second],
];

export function stateOf([w, w1, w2, s, s1, s2]: readonly Float32Array[]): State {
  return {
    weights: { value: w, first: w1, second: w2 },
    scales: { value: s, first: s1, second: s2 },
  };
}

export const copyState = (state: State): State => stateOf(vectorsOf(state).map((v) => v.slice()));

/** The names of the vectors that are not empty. */
export const liveNames = (state: State): string[] => STATE.filter((_, i) => vectorsOf(state)[i].length > 0);

/** Copies what two vectors have in common, by name. */
function copyNamed(
  [from, source]: [Float32Array, readonly Place[]],
  [to, target]: [Float32Array, readonly Place[]],
): void {
  const places = new Map(target.map((p) => [p.name, p]));
  for (const { name, offset, size } of source) {
    const place = places.get(name);
    if (place) to.set(from.subarray(offset, offset + size), place.offset);
  }
}

/** The values of a part of a network, out of those of the whole; the optimiser remembers nothing of them yet. */
export function partOfState(state: State, whole: Layout, part: Layout): State {
  const weights = new Float32Array(totalOf(part.parameters));
  const scales = new Float32Array(totalOf(part.scales));
  copyNamed([state.weights.value, whole.parameters], [weights, part.parameters]);
  copyNamed([state.scales.value, whole.scales], [scales, part.scales]);
  return { weights: vector(weights), scales: vector(scales) };
}

/** Puts the values of a part of a network among those of the whole. */
export function putPart(part: State, layout: Layout, state: State, whole: Layout): void {
  copyNamed([part.weights.value, layout.parameters], [state.weights.value, whole.parameters]);
  copyNamed([part.scales.value, layout.scales], [state.scales.value, whole.scales]);
}
