import type { Model } from '../ir/model.js';
import { floatValues } from '../ir/tensor.js';
import { Classes } from './classes.js';
import type { ChannelStats, Linear, Slot, Topology } from './types.js';

/** A linear operator with what the search asks of its weight, in units of the model as it is. */
export interface WeightView {
  linear: Linear;
  /** Largest |w| that joins output o (of all groups) and input b of its group: [groups · outputs, inputs]. */
  largest: Float64Array;
  /** Σ w² over outputs and kernel positions for each input channel of all groups. */
  columnPower: Float64Array;
  /** Mean square of each input channel, and of the output summed over its channels. */
  inputPower: Float64Array;
  outputPower: number;
}

/** Values that share channels, with the operators that write and read them. */
export interface Component {
  slots: Slot[];
  /** Classes of their channels; some may be free to move, others not. */
  classes: number[];
  writers: WeightView[];
  readers: WeightView[];
}

/** Splits what may be rescaled into parts that are decided one after the other, in the order of the graph. */
export function componentsOf(
  model: Model,
  topology: Topology,
  stats: ReadonlyMap<string, ChannelStats>,
): Component[] {
  const constants = new Map(model.graph.initializers.map((t) => [t.name ?? '', t]));
  const slots = [...topology.slots.values()].filter((slot) => stats.has(slot.tensor));
  const components = splitSlots(slots, topology);
  const of = (slot: Slot | undefined) => slot && components.get(slot.tensor);
  for (const linear of topology.linears) {
    const [written, read] = [of(linear.output), of(linear.input)];
    if (!written && !read) continue;
    const view = weightView(linear, floatValues(constants.get(linear.weight)!), stats);
    written?.writers.push(view);
    read?.readers.push(view);
  }
  return [...new Set(components.values())].filter((component) => component.readers.length > 0);
}

/** The component of each tensor that has channels to rescale. */
function splitSlots(slots: readonly Slot[], topology: Topology): Map<string, Component> {
  const groups = new Classes();
  groups.fresh(topology.size);
  const free = new Map(
    slots.map((slot) => [slot.tensor, slot.classes.filter((id) => !topology.isPinned(id))]),
  );
  for (const ids of free.values()) for (const id of ids) groups.union(ids[0], id);
  const found = new Map<number, Component>();
  const result = new Map<string, Component>();
  for (const slot of slots) {
    const ids = free.get(slot.tensor)!;
    if (ids.length === 0) continue;
    const root = groups.find(ids[0]);
    const component = found.get(root) ?? { slots: [], classes: [], writers: [], readers: [] };
    found.set(root, component);
    component.slots.push(slot);
    component.classes.push(...slot.classes);
    result.set(slot.tensor, component);
  }
  for (const component of found.values()) component.classes = [...new Set(component.classes)];
  return result;
}

function weightView(
  linear: Linear,
  values: Float32Array,
  stats: ReadonlyMap<string, ChannelStats>,
): WeightView {
  const { groups, outputs, inputs, kernel, ...strides } = linear.layout;
  const largest = new Float64Array(groups * outputs * inputs);
  const columnPower = new Float64Array(groups * inputs);
  for (let o = 0; o < groups * outputs; o++) {
    const group = Math.floor(o / outputs);
    for (let b = 0; b < inputs; b++) {
      const at = group * strides.groupStride + (o % outputs) * strides.outputStride + b * strides.inputStride;
      let most = 0;
      for (let k = at; k < at + kernel; k++) {
        most = Math.max(most, Math.abs(values[k]));
        columnPower[group * inputs + b] += values[k] * values[k];
      }
      largest[o * inputs + b] = most;
    }
  }
  return { linear, largest, columnPower, ...powers(linear, columnPower, stats) };
}

/** Powers as they were seen; channels of an input that was not looked at count alike, and explain the output's. */
function powers(
  { input, output }: Linear,
  columnPower: Float64Array,
  stats: ReadonlyMap<string, ChannelStats>,
): Pick<WeightView, 'inputPower' | 'outputPower'> {
  const seen = input && stats.get(input.tensor)?.power;
  const made = output && sum(stats.get(output.tensor)?.power ?? columnPower);
  const explained = (made ?? 1) / (sum(columnPower) || 1);
  const inputPower = seen ?? new Float64Array(columnPower.length).fill(explained);
  return { inputPower, outputPower: made || sum(columnPower.map((p, i) => p * inputPower[i])) || 1 };
}

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
