import type { SampleSource } from '../data/types.js';
import { cloneModel, links, makeNode } from '../ir/graph.js';
import { keptName } from '../ir/kept.js';
import type { Model } from '../ir/model.js';
import { floatTensor } from '../ir/tensor.js';
import type { ValueMeta } from '../runtime/types.js';
import { rescale } from './apply.js';
import { channelStats } from './observe.js';
import { topologyOf } from './topology.js';
import type { Rescaling, Slot } from './types.js';

type Types = ReadonlyMap<string, ValueMeta>;

/** Extremes of channels settle on as many samples. */
const MAX_SAMPLES = 64;
const DIGITS = 4;
/** Largest factor: a dead channel needs none of a million. */
const MOST = 1000;
/** Decibels that the noise of rounding, on the mean of the channels, must fall by for a multiplication to be worth its time. */
const WORTH = 3;

/** Name of the value that takes the place of `tensor`, with the sizes that it had, and of the Mul that makes it. */
const restored = (tensor: string): string => `${tensor}_restored`;
export const restoredNode = (tensor: string): string => keptName(restored(tensor));

/**
 * Factors that give each channel of `tensors` the whole range, to be taken back behind the rounding: for values that a
 * nonlinear operator reads. Only what linear operators write, and evidence of it.
 */
export async function planRestored(
  model: Model,
  types: Types,
  source: SampleSource,
  { tensors, threads }: { tensors: readonly string[]; threads?: number },
): Promise<Rescaling[]> {
  if (source.kind !== 'real') return [];
  const slots = [...writtenBy(model, types).values()].filter((slot) => tensors.includes(slot.tensor));
  const stats = await channelStats(model, slots, source, { limit: MAX_SAMPLES, threads });
  return slots.flatMap(({ tensor }) => {
    const { min, max } = stats.get(tensor)!;
    const sizes = Array.from(max, (high, c) => Math.max(high, -min[c]));
    const top = Math.max(...sizes);
    const factors = sizes.map((size) => Number(Math.min(MOST, top / size).toPrecision(DIGITS)));
    const noise = factors.reduce((sum, factor) => sum + factor ** -2, 0) / factors.length;
    const gainDb = -10 * Math.log10(noise);
    const reason = `rounding ${gainDb.toFixed(1)} dB less on the mean of its channels, which are divided again behind it`;
    return top > 0 && gainDb >= WORTH
      ? [{ tensors: [tensor], factors, restored: true as const, reason }]
      : [];
  });
}

/** Values that linear operators write and nothing but nodes of the graph reads, by name. */
function writtenBy(model: Model, types: Types): Map<string, Slot> {
  const { outputs, captured } = links(model.graph);
  const slots = topologyOf(model, types).linears.flatMap(({ output }) => output ?? []);
  return new Map(
    slots.flatMap((slot) =>
      slot.rank >= 2 && !outputs.has(slot.tensor) && !captured.has(slot.tensor) ? [[slot.tensor, slot]] : [],
    ),
  );
}

/**
 * A copy of the model in which what writes each tensor is multiplied by its factors, and all that reads it reads the
 * product with their reciprocals.
 * @returns the types of the new values besides
 */
export function withRestored(model: Model, types: Types, rescalings: readonly Rescaling[]) {
  const known = new Map(types);
  if (rescalings.length === 0) return { model, types: known };
  const slots = writtenBy(model, types);
  const copy = cloneModel(model);
  const { graph } = copy;
  const { producer, uses } = links(graph);
  for (const { tensors, factors } of rescalings)
    for (const tensor of tensors) {
      const { axis, rank } = slots.get(tensor)!;
      const name = restored(tensor);
      const dims = [factors.length, ...Array(rank - axis - 1).fill(1)];
      graph.initializers.push(
        floatTensor(
          `${name}_by`,
          dims,
          factors.map((f) => 1 / f),
        ),
      );
      const node = makeNode('Mul', [tensor, `${name}_by`], [name], [], { name: restoredNode(tensor) });
      graph.nodes.splice(graph.nodes.indexOf(producer.get(tensor)!) + 1, 0, node);
      for (const use of uses.get(tensor) ?? []) use.node.inputs[use.input] = name;
      known.set(name, { ...types.get(tensor)!, name });
    }
  return { model: rescale(copy, topologyOf(copy, known), rescalings), types: known };
}

/** Why entries would not do so: undefined when they fit. */
export function unrestorable(
  model: Model,
  types: Types,
  rescalings: readonly Rescaling[],
): { tensor: string; message: string } | undefined {
  const slots = rescalings.length > 0 ? writtenBy(model, types) : new Map<string, Slot>();
  for (const { tensors, factors } of rescalings)
    for (const tensor of tensors) {
      const channels = slots.get(tensor)?.classes.length;
      if (channels !== factors.length)
        return {
          tensor,
          message: `"${tensor}" has ${channels ?? 'no'} channels that can be divided again, not ${factors.length}`,
        };
    }
  return undefined;
}
