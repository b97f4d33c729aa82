import type { Component, WeightView } from './components.js';
import type { ChannelStats, Grids, Slot } from './types.js';

/** Variance of rounding to steps of `step`, for values that lie evenly between them. */
const variance = (step: number): number => (step * step) / 12;

/**
 * Expected noise at the outputs of a component's readers, each relative to the power of its output, when the channels
 * are multiplied by `m` (by class): rounding of the activations t, in units of the model as it is,
 *   Σ_t Δ_t²/12 · Σ_i ‖W_i‖² / m_i²,
 * rounding of the readers' own weights, Σ_o step_o²/12 · Σ_i E[x_i²]·m_i², and, where one scale serves a whole weight,
 * rounding of the writers' rows, which reaches the readers as that of the activations does.
 */
export function noise(
  component: Component,
  stats: ReadonlyMap<string, ChannelStats>,
  grids: Grids,
  m: Float64Array,
): number {
  const channels = channelNoise(component, stats, grids, m);
  let total = 0;
  for (const reader of component.readers) {
    let error = sum(weightNoise(reader, grids, m));
    const { classes } = reader.linear.input!;
    for (let i = 0; i < classes.length; i++) error += reader.columnPower[i] * (channels.get(classes[i]) ?? 0);
    total += error / reader.outputPower;
  }
  return total;
}

/** Variance that rounding adds to each class of channels, in units of the model as it is. */
function channelNoise(
  component: Component,
  stats: ReadonlyMap<string, ChannelStats>,
  grids: Grids,
  m: Float64Array,
): Map<number, number> {
  const channels = new Map<number, number>();
  const add = ({ classes }: Slot, of: (c: number) => number) =>
    classes.forEach((id, c) => {
      channels.set(id, (channels.get(id) ?? 0) + of(c));
    });
  for (const slot of component.slots) {
    if (!grids.quantized.has(slot.tensor)) continue;
    const step = variance(activationStep(stats.get(slot.tensor)!, slot, grids, m));
    add(slot, (c) => step / m[slot.classes[c]] ** 2);
  }
  if (!grids.perChannel)
    for (const writer of component.writers) {
      const rows = weightNoise(writer, grids, m);
      add(writer.linear.output!, (c) => rows[c]);
    }
  return channels;
}

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

function activationStep(
  { min, max }: ChannelStats,
  { classes }: Slot,
  { steps, symmetric }: Grids,
  m: Float64Array,
): number {
  let [low, high] = [0, 0];
  classes.forEach((id, c) => {
    low = Math.min(low, min[c] * m[id]);
    high = Math.max(high, max[c] * m[id]);
  });
  return symmetric ? (2 * Math.max(-low, high)) / steps : (high - low) / steps;
}

/** Variance that rounding the weight brings to each output channel, in units of the model as it is. */
function weightNoise(view: WeightView, grids: Grids, m: Float64Array): Float64Array {
  const { layout, input, output } = view.linear;
  const { groups, outputs, inputs, kernel } = layout;
  const { perChannel, weightSteps, block = Infinity } = grids;
  const factor = Float64Array.from({ length: groups * inputs }, (_, i) => (input ? m[input.classes[i]] : 1));
  // A scale of its own follows its row, so that only a shared one sees how the rows grow.
  const up = (o: number) => (output && !perChannel ? m[output.classes[o]] : 1);
  const span = Math.max(1, Math.min(inputs, Math.floor(block / kernel)));
  const noises = new Float64Array(groups * outputs);
  let shared = 0;
  for (let o = 0; o < noises.length; o++) {
    const first = Math.floor(o / outputs) * inputs;
    for (let from = 0; from < inputs; from += span) {
      let [most, power] = [0, 0];
      for (let b = from; b < Math.min(from + span, inputs); b++) {
        most = Math.max(most, view.largest[o * inputs + b] / factor[first + b]);
        power += kernel * view.inputPower[first + b] * factor[first + b] ** 2;
      }
      shared = Math.max(shared, most * up(o));
      noises[o] += variance((perChannel ? most : 1) / weightSteps) * power;
    }
  }
  return perChannel ? noises : noises.map((noise, o) => noise * (shared / up(o)) ** 2);
}
