import { cloneModel } from '../../ir/graph.js';
import type { Model } from '../../ir/model.js';
import { floatTensor, floatValues } from '../../ir/tensor.js';
import type { ChannelSpread } from '../../prepare/index.js';
import type { ValueMeta } from '../../runtime/types.js';
import { Constants } from '../constants.js';
import { topologyOf } from '../topology.js';
import type { Absorption, Topology } from '../types.js';
import type { Bias } from './bias.js';
import { routes } from './routes.js';
import { type Visitor, walk } from './walk.js';

type Types = ReadonlyMap<string, ValueMeta>;
type Offsets = Float64Array;

/** What each value gives up, and each bias gains, when biases give up what `absorptions` say. */
function offsetsOf(model: Model, types: Types, topology: Topology, absorptions: readonly Absorption[]) {
  const given = new Map(absorptions.map(({ tensor, offsets }) => [tensor, Float64Array.from(offsets)]));
  const biases = new Map<Bias, Offsets>();
  const values = new Map(model.graph.initializers.map((t) => [t.name ?? '', t]));
  const change = (bias: Bias, by: (channel: number) => number): void => {
    const sum = biases.get(bias) ?? new Float64Array(bias.channels);
    biases.set(
      bias,
      sum.map((b, c) => b + by(c)),
    );
  };
  const visitor: Visitor<Offsets> = {
    start(bias) {
      const offsets = given.get(bias.tensor);
      if (offsets) change(bias, (c) => -offsets[c]);
      return offsets;
    },
    repeat: (value, run) =>
      Float64Array.from({ length: value.length * run }, (_, i) => value[Math.floor(i / run)]),
    join: (parts) =>
      Float64Array.from(parts.flatMap(({ value, channels }) => [...(value ?? new Float64Array(channels))])),
    clip: () => {},
    absorb(value, bias) {
      const product = behind(bias, floatValues(values.get(bias.linear.weight)!), value);
      change(bias, (c) => product[c]);
    },
    refuse: () => {},
  };
  return { carried: walk(model, types, topology, visitor), biases };
}

/** W·c, one number an output channel. */
function behind({ linear: { layout } }: Bias, weight: Float32Array, offsets: Offsets): Offsets {
  const { groups, outputs, inputs, kernel } = layout;
  const product = new Float64Array(groups * outputs);
  for (let o = 0; o < product.length; o++)
    for (let b = 0; b < inputs; b++) {
      const g = Math.floor(o / outputs);
      const at = g * layout.groupStride + (o % outputs) * layout.outputStride + b * layout.inputStride;
      for (let k = at; k < at + kernel; k++) product[o] += weight[k] * offsets[g * inputs + b];
    }
  return product;
}

/**
 * A copy of the model in which biases give up what `absorptions` say and those behind them take it:
 *   b₁' = b₁ − c        b₂' = b₂ + W₂·c
 * in float64, stored as float32 (Nagel et al. 2019, "Data-Free Quantization", section 4.1.3). It computes what it did, within
 * float32 rounding, where no value behind a Relu is less than its offset.
 */
export function absorb(model: Model, types: Types, absorptions: readonly Absorption[]): Model {
  if (absorptions.length === 0) return model;
  const { biases } = offsetsOf(model, types, topologyOf(model, types), absorptions);
  const copy = cloneModel(model);
  const constants = new Constants(copy);
  for (const [{ node, input, tensor, channels }, change] of biases) {
    const old = constants.get(node.inputs[input]);
    const values = old ? floatValues(old) : new Float32Array(channels);
    const dims = values.length === channels && old ? old.dims : [channels];
    const sums = Array.from(change, (by, c) => values[values.length === channels ? c : 0] + by);
    constants.put(node, input, floatTensor(old?.name ?? `${tensor}_bias`, dims, sums));
  }
  return copy;
}

/** What is known of the channels of values, as they are after the absorptions. */
export function absorbedSpreads(
  model: Model,
  types: Types,
  spreads: ReadonlyMap<string, ChannelSpread>,
  absorptions: readonly Absorption[],
): Map<string, ChannelSpread> {
  const after = new Map(spreads);
  const { carried } = offsetsOf(model, types, topologyOf(model, types), absorptions);
  for (const [value, offsets] of carried) {
    const spread = spreads.get(value);
    if (spread) after.set(value, { ...spread, mean: spread.mean.map((m, c) => m - offsets[c]) });
  }
  return after;
}

/**
 * Why absorptions, which a person may have edited, would change what the model computes: an unknown value, an operator
 * that offsets do not pass, an offset below zero in front of a Relu. Undefined when they fit.
 */
export function unfit(
  model: Model,
  types: Types,
  absorptions: readonly Absorption[],
): { tensor: string; message: string } | undefined {
  const asked = new Set(absorptions.map(({ tensor }) => tensor));
  const givers = routes(model, types, topologyOf(model, types), asked);
  for (const { tensor, offsets } of absorptions) {
    const giver = givers.get(tensor);
    if (!giver) return { tensor, message: `"${tensor}" has no bias that others could take offsets of` };
    if (giver.channels !== offsets.length)
      return { tensor, message: `"${tensor}" has ${giver.channels} channels, not ${offsets.length}` };
    const below = offsets.findIndex((c) => c < 0);
    if (giver.high !== undefined && below >= 0)
      return {
        tensor,
        message: `channel ${below} of "${tensor}" passes a Relu, which no offset below zero does`,
      };
  }
  return undefined;
}
