import type { SampleSource } from '../data/types.js';
import type { Model } from '../ir/model.js';
import type { ChannelSpread } from '../prepare/index.js';
import type { ValueMeta } from '../runtime/types.js';
import { rescale } from './apply.js';
import { componentsOf } from './components.js';
import { evened, unmovable, withGains } from './gains.js';
import { kindsOf } from './kinds.js';
import { channelStats } from './observe.js';
import { limitsOf } from './proposal.js';
import { withRestored } from './restored.js';
import { type Choice, search } from './search.js';
import { topologyOf } from './topology.js';
import type { Grids, Rescaling, Slot, Topology } from './types.js';

export { absorb, absorbedSpreads, unfit } from './absorb/apply.js';
export { planAbsorptions } from './absorb/plan.js';
export { misfit } from './check.js';
export { planRestored, restoredNode } from './restored.js';
export type { Absorption, Grids, Rescaling } from './types.js';

/** Extremes of channels settle on as many samples. */
const MAX_SAMPLES = 64;
/**
 * Values of each channel, all samples together, from which on its extremes say how far it reaches. With fewer (single
 * frames of a recurrent network) channels are quiet by chance: a gain would have them clipped on the next samples, as it
 * took 9 dB from a speech network on samples that it was not fitted to.
 */
const ENOUGH_VALUES = 1000;
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

/** Decibels that the expected noise must fall by for a multiplication to be worth its time. */
const WORTH = 1;

/**
 * The same for values behind nonlinear operators, by a Mul that is put behind each. Nothing with made-up samples.
 */
export async function planGains(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
  { grids, threads }: EqualizeOptions,
): Promise<Rescaling[]> {
  const tensors = unmovable(topologyOf(model, types), grids.quantized, model);
  if (tensors.length === 0 || source.kind !== 'real') return [];
  const gained = withGains(model, types, tensors);
  const topology = topologyOf(gained.model, gained.types);
  const made = new Map(tensors.map((tensor) => [evened(tensor), tensor]));
  const slots = besides(topology, made);
  const stats = await channelStats(gained.model, slots, source, { limit: MAX_SAMPLES, threads });
  const samples = Math.min(source.count ?? MAX_SAMPLES, MAX_SAMPLES);
  const known = (slot: Slot): boolean => samples * valuesEach(slot, gained.types) >= ENOUGH_VALUES;
  const components = componentsOf(gained.model, topology, stats).filter(
    ({ slots: [slot] }) => made.has(slot.tensor) && known(slot),
  );
  const factors = new Float64Array(topology.size).fill(1);
  const rounded = { ...grids, quantized: new Set([...grids.quantized, ...made.keys()]) };
  const choices = search(components, stats, rounded, limitsOf(topology, stats), factors);
  return [...choices]
    .filter(([, { gainDb }]) => gainDb >= WORTH)
    .flatMap(
      ([
        {
          slots: [slot],
        },
        choice,
      ]) => record([slot], factors, choice).map((entry) => ({ ...entry, gainOf: made.get(slot.tensor) })),
    );
}

/** Values of each channel in one sample. */
const valuesEach = ({ tensor, classes }: Slot, types: ReadonlyMap<string, ValueMeta>): number =>
  (types.get(tensor)?.dims ?? []).reduce<number>((n, d) => n * Number(d), 1) / classes.length;

/** The values that gains make, and those that the layers behind them write. */
function besides(topology: Topology, made: ReadonlyMap<string, string>): Slot[] {
  const readers = topology.linears.filter(({ node }) => made.has(node.inputs[0]));
  const wanted = [...made.keys(), ...readers.map(({ node }) => node.outputs[0])];
  return [...new Set(wanted)]
    .flatMap((tensor) => topology.slots.get(tensor) ?? [])
    .filter((s) => s.rank >= 2);
}

/**
 * The model with the channels named multiplied by their factors, and the types of its values; it computes what it did.
 * First what lies in the weights, then what is divided again, then the gains.
 */
export function rescaled(
  model: Model,
  types: ReadonlyMap<string, ValueMeta>,
  rescalings: readonly Rescaling[],
): { model: Model; types: Map<string, ValueMeta> } {
  const { plain, divided, gains } = kindsOf(rescalings);
  const scaled = plain.length === 0 ? model : rescale(model, topologyOf(model, types), plain);
  const given = withRestored(scaled, types, divided);
  if (gains.length === 0) return given;
  const gained = withGains(
    given.model,
    given.types,
    gains.map((r) => r.gainOf!),
  );
  return { model: rescale(gained.model, topologyOf(gained.model, gained.types), gains), types: gained.types };
}

/** What is known of the channels of values, as they are after the rescalings. */
export function rescaledSpreads(
  spreads: ReadonlyMap<string, ChannelSpread>,
  rescalings: readonly Rescaling[],
): Map<string, ChannelSpread> {
  const after = new Map(spreads);
  for (const { tensors, factors } of rescalings)
    for (const tensor of tensors) {
      const spread = after.get(tensor);
      if (!spread) continue;
      const [mean, deviation] = [spread.mean, spread.deviation].map((v) => v.map((x, c) => x * factors[c]));
      after.set(tensor, { mean, deviation });
    }
  return after;
}
