import type { Component } from './components.js';
import type { ChannelStats, Grids, Topology } from './types.js';

/**
 * How far each of a channel's sizes is evened out: m = reader^r / (activation^a · writer^w). (0, ½, ½) is cross-layer
 * equalisation (Nagel et al. 2019, "Data-Free Quantization", section 4.1), (a, 1 − a, 0) is SmoothQuant (Xiao et al. 2022,
 * equation 4), (1, 0, 0) gives every channel the whole range. Where activations stay float their size is how loud they
 * are, and (a, 0, 0) is AWQ (Lin et al. 2023, section 3.2, with root mean squares).
 */
export interface Strength {
  activation: number;
  reader: number;
  writer: number;
}

/** Share of a Clip's bound that a channel's largest value may reach for the channel to count as not clipped. */
export const HEADROOM = 0.9;
/** Smallest share of the largest size that a channel counts with: a dead channel needs no factor of a million. */
const FLOOR = 1e-3;

/** Largest factor of each class: 1 and no other where it is `fixed`. */
export interface Limits {
  fixed: ReadonlySet<number>;
  most: ReadonlyMap<number, number>;
}

/**
 * What is pinned keeps its factor. A Clip keeps its bounds. A channel that comes near one stays as it is; another may shrink, and grow until it would
 * come near. So the samples' values pass as
 * before; one far beyond all of them would be clipped earlier, or later.
 * @param stats absent when the samples are no evidence: then what a Clip touches stays as it is
 */
export function limitsOf(topology: Topology, stats: ReadonlyMap<string, ChannelStats> | undefined): Limits {
  const fixed = new Set<number>();
  const most = new Map<number, number>();
  for (const { classes } of topology.slots.values())
    for (const id of classes) if (topology.isPinned(id)) fixed.add(id);
  const room = (bound: number, value: number) => (value > 0 ? (HEADROOM * bound) / value : Infinity);
  for (const { slot, low, high } of topology.bounded) {
    const seen = stats?.get(slot.tensor);
    slot.classes.forEach((id, c) => {
      const growth = seen
        ? Math.min(room(high, seen.max[c]), low === 0 ? Infinity : room(-low, -seen.min[c]))
        : 0;
      if (growth < 1) fixed.add(id);
      most.set(id, Math.min(growth, most.get(id) ?? growth));
    });
  }
  return { fixed, most };
}

/** Logarithms of the sizes of channels, by class, each relative to the largest in its component. */
export interface Sizes {
  activation: Float64Array;
  reader: Float64Array;
  writer: Float64Array;
}

export function sizesOf(
  components: readonly Component[],
  stats: ReadonlyMap<string, ChannelStats>,
  { quantized }: Grids,
  count: number,
): Sizes {
  const sizes: Sizes = {
    activation: new Float64Array(count),
    reader: new Float64Array(count),
    writer: new Float64Array(count),
  };
  for (const component of components) {
    for (const slot of component.slots)
      if (quantized.size === 0 || quantized.has(slot.tensor)) {
        const seen = stats.get(slot.tensor)!;
        growActivation(sizes.activation, slot.classes, quantized.size === 0 ? loudness(seen) : extent(seen));
      }
    growWeights(sizes, component);
    for (const kind of Object.values(sizes) as Float64Array[]) logarithms(kind, component.classes);
  }
  return sizes;
}

const grow = (sizes: Float64Array, id: number, value: number): void => {
  if (value > sizes[id]) sizes[id] = value;
};

/** What a range must span. */
const extent = ({ min, max }: ChannelStats): Float64Array => max.map((high, c) => Math.max(high, -min[c], 0));

/** What a weight's error is multiplied with, which counts where the values themselves are not rounded. */
const loudness = ({ power }: ChannelStats): Float64Array => power.map(Math.sqrt);

/** Tensors of one component count relative to their own largest channel, since each has a scale of its own. */
function growActivation(sizes: Float64Array, classes: Int32Array, own: Float64Array): void {
  const top = own.reduce((a, b) => Math.max(a, b), 0) || 1;
  classes.forEach((id, c) => {
    grow(sizes, id, own[c] / top);
  });
}

function growWeights(sizes: Sizes, component: Component): void {
  for (const { linear, largest } of component.readers) {
    const { outputs, inputs } = linear.layout;
    largest.forEach((w, at) => {
      const group = Math.floor(at / (inputs * outputs));
      grow(sizes.reader, linear.input!.classes[group * inputs + (at % inputs)], w);
    });
  }
  for (const { linear, largest } of component.writers)
    largest.forEach((w, at) => {
      grow(sizes.writer, linear.output!.classes[Math.floor(at / linear.layout.inputs)], w);
    });
}

function logarithms(sizes: Float64Array, classes: readonly number[]): void {
  const top = classes.reduce((most, id) => Math.max(most, sizes[id]), 0);
  for (const id of classes) sizes[id] = top > 0 ? Math.log(Math.max(sizes[id] / top, FLOOR)) : 0;
}

/** Writes the factors that a strength asks for into `m`, within the limits; channels that are fixed set the level. */
export function propose(
  { classes }: Component,
  sizes: Sizes,
  limits: Limits,
  { activation, reader, writer }: Strength,
  m: Float64Array,
): void {
  const wish = (id: number) =>
    reader * sizes.reader[id] - activation * sizes.activation[id] - writer * sizes.writer[id];
  const fixed = classes.filter((id) => limits.fixed.has(id));
  const base = fixed.length > 0 ? fixed : classes;
  const level = base.reduce((total, id) => total + wish(id), 0) / base.length;
  for (const id of classes)
    m[id] = limits.fixed.has(id) ? 1 : Math.min(Math.exp(wish(id) - level), limits.most.get(id) ?? Infinity);
}
