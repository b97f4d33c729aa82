import type { SampleSource } from '../data/types.js';
import type { Model } from '../ir/model.js';
import type { ValueMeta } from '../runtime/types.js';
import { rescale } from './apply.js';
import { componentsOf } from './components.js';
import { channelStats } from './observe.js';
import { limitsOf } from './proposal.js';
import { type Choice, search } from './search.js';
import { topologyOf } from './topology.js';
import type { Grids, Rescaling, Slot, Topology } from './types.js';

export { misfit } from './check.js';
export type { Grids, Rescaling } from './types.js';

/** Extremes of channels settle on as many samples. */
const MAX_SAMPLES = 64;
/** Digits that a factor is recorded with, and used. */
const DIGITS = 4;

export interface EqualizeOptions {
  grids: Grids;
  threads?: number;
}

/**
 * Chooses factors for the channels of activations so that rounding hurts less: channels that share a scale get more
 * even ranges, weights that share one more even rows. The network computes what it did.
 * @param types types and shapes by value name, with the sizes that samples have
 * @returns nothing where nothing gains
 */
export async function planRescalings(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
  { grids, threads }: EqualizeOptions,
): Promise<Rescaling[]> {
  const topology = topologyOf(model, types);
  const slots = worthwhile(topology);
  const stats = await channelStats(model, slots, source, { limit: MAX_SAMPLES, threads });
  const components = componentsOf(model, topology, stats);
  const factors = new Float64Array(topology.size).fill(1);
  const limits = limitsOf(topology, source.kind === 'real' ? stats : undefined);
  const choices = search(components, stats, grids, limits, factors);
  return [...choices].flatMap(([component, choice]) => record(component.slots, factors, choice));
}

/** Values with a channel that may be rescaled, and those beside them whose power the search weighs. */
function worthwhile(topology: Topology): Slot[] {
  const isFree = (slot: Slot | undefined) => slot?.classes.some((id) => !topology.isPinned(id));
  const wanted = new Set<string>();
  for (const slot of topology.slots.values()) if (isFree(slot)) wanted.add(slot.tensor);
  for (const { input, output } of topology.linears)
    if (isFree(input) || isFree(output))
      for (const slot of [input, output]) if (slot) wanted.add(slot.tensor);
  return [...topology.slots.values()].filter((slot) => wanted.has(slot.tensor) && slot.rank >= 2);
}

/** One entry for all tensors with the same channels; a tensor made up of others' channels needs none. */
function record(slots: readonly Slot[], factors: Float64Array, { strength, gainDb }: Choice): Rescaling[] {
  const entries = new Map<string, Rescaling>();
  const covered = new Set<number>();
  const { activation, reader, writer } = strength;
  for (const { tensor, classes } of slots) {
    const key = classes.join();
    const same = entries.get(key);
    if (same) same.tensors.push(tensor);
    else if (classes.some((id) => !covered.has(id)))
      entries.set(key, {
        tensors: [tensor],
        factors: Array.from(classes, (id) => Number(factors[id].toPrecision(DIGITS))),
        reason: `expected noise behind it ${gainDb.toFixed(1)} dB lower (exponents: activation ${activation}, reader ${reader}, writer ${writer})`,
      });
    for (const id of classes) covered.add(id);
  }
  return [...entries.values()];
}

/** The model with the channels named multiplied by their factors; it computes what it did. */
export const rescaled = (
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  rescalings: readonly Rescaling[],
): Model => (rescalings.length === 0 ? model : rescale(model, topologyOf(model, types), rescalings));
