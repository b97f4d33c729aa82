import type { Component } from './components.js';
import { noise } from './noise.js';
import { type Limits, propose, type Sizes, type Strength, sizesOf } from './proposal.js';
import type { ChannelStats, Grids } from './types.js';

const strength = (activation: number, reader: number, writer = 0): Strength => ({
  activation,
  reader,
  writer,
});

/** Tried for each component: evening out activations alone, against the readers, and weights against weights. */
const STRENGTHS: readonly Strength[] = [
  ...[1, 0.75, 0.5, 0.25].map((a) => strength(a, 0)),
  ...[0.75, 0.5, 0.25].map((a) => strength(a, 1 - a)),
  strength(0.25, 0.25),
  ...[strength(0, 0.5, 0.5), strength(0.5, 0.25, 0.25), strength(0.25, 0.5, 0.25), strength(0.5, 0.5, 0.5)],
  ...[strength(0, 0.5), strength(0, 0.25)],
];

/** How a component was rescaled: the expected noise fell by `gainDb`. */
export interface Choice {
  strength: Strength;
  gainDb: number;
}

/**
 * Chooses each component's strength by the expected noise at its readers, and writes the factors into `m`. What is
 * as it was is the first candidate, so no component gets worse by its own measure.
 */
export function search(
  components: readonly Component[],
  stats: ReadonlyMap<string, ChannelStats>,
  grids: Grids,
  limits: Limits,
  m: Float64Array,
): Map<Component, Choice> {
  const sizes = sizesOf(components, stats, grids, m.length);
  const choices = new Map<Component, Choice>();
  for (const component of components) {
    if (component.classes.every((id) => limits.fixed.has(id))) continue;
    const choice = best(component, sizes, stats, grids, limits, m);
    if (choice) choices.set(component, choice);
  }
  return choices;
}

function best(
  component: Component,
  sizes: Sizes,
  stats: ReadonlyMap<string, ChannelStats>,
  grids: Grids,
  limits: Limits,
  m: Float64Array,
): Choice | undefined {
  const before = noise(component, stats, grids, m);
  let least = before;
  let chosen: Strength | undefined;
  for (const candidate of STRENGTHS) {
    propose(component, sizes, limits, candidate, m);
    const after = noise(component, stats, grids, m);
    if (after < least) {
      least = after;
      chosen = candidate;
    }
  }
  if (chosen) propose(component, sizes, limits, chosen, m);
  else for (const id of component.classes) m[id] = 1;
  return chosen && { strength: chosen, gainDb: 10 * Math.log10(before / least) };
}
