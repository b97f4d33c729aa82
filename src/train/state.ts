import type { Tensor } from '../ir/model.js';
import { STATE } from './graph.js';
import type { Layout } from './layout.js';
import { gather, totalOf } from './parameters.js';
import type { State, Vector } from './types.js';

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
