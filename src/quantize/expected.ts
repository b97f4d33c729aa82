import { format } from '../../kernels/formats.js';
import { type ClippedNormal, clippedMoments } from '../../kernels/normal.js';
import { floatAttribute, intsAttribute, isOp } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { floatValues } from '../ir/tensor.js';
import type { ActivationPlan, Plan } from '../plan/types.js';
import type { ChannelSpread } from '../prepare/index.js';
import type { ValueMeta } from '../runtime/types.js';
import type { ChannelMeans } from './means.js';

/** The channels (axis 1) of a value, each as a clipped normal variable. */
type Channels = ClippedNormal[];

/**
 * Channel means of the activations that feed biased integer nodes, without samples: what a BatchNormalization made is
 * normal with mean β and deviation |γ|; Relu and Clip cut it; sums add means and variances and count as normal again
 * (Nagel et al. 2019, "Data-Free Quantization", section 4.2.1). Behind its grid a value is clipped to what the grid spans.
 * @param spreads by value; activations that nothing leads to from there are missing in the result
 */
export function expectedMeans(
  model: Model,
  plan: Plan,
  types: ReadonlyMap<string, ValueMeta>,
  spreads: ReadonlyMap<string, ChannelSpread>,
): Map<string, ChannelMeans> {
  const constants = new Map(model.graph.initializers.map((t) => [t.name ?? '', t]));
  const known = new Map<string, Channels>();
  for (const node of model.graph.nodes) {
    const [output] = node.outputs;
    const spread = spreads.get(output);
    const channels = spread ? normal(spread) : behind(node, known, constants, types);
    if (channels) known.set(output, channels);
  }
  const wanted = new Set(plan.biases.map((b) => b.activation));
  const means = new Map<string, ChannelMeans>();
  for (const activation of plan.activations) {
    const channels = wanted.has(activation.tensor) ? known.get(activation.tensor) : undefined;
    if (channels) means.set(activation.tensor, meansOf(channels, activation));
  }
  return means;
}

const normal = ({ mean, deviation }: ChannelSpread): Channels =>
  Array.from(mean, (m, c) => ({ mean: m, deviation: deviation[c], low: -Infinity, high: Infinity }));

function meansOf(channels: Channels, { format: id, scale, zeroPoint }: ActivationPlan): ChannelMeans {
  const { qmin, qmax } = format(id);
  const [low, high] = [(qmin - zeroPoint) * scale, (qmax - zeroPoint) * scale];
  const mean = (c: ClippedNormal): number => clippedMoments(c).mean;
  return {
    float: Float64Array.from(channels, mean),
    rounded: Float64Array.from(channels, (c) => mean(cut(c, low, high))),
  };
}

/** Cutting twice is cutting to what both leave; where nothing is left, to the nearer end of the second. */
function cut(channel: ClippedNormal, low: number, high: number): ClippedNormal {
  const within = (x: number): number => Math.min(high, Math.max(low, x));
  return { ...channel, low: within(channel.low), high: within(channel.high) };
}

/** What a node makes of values that are known; undefined where it is an operator that says nothing. */
function behind(
  node: Node,
  known: ReadonlyMap<string, Channels>,
  constants: ReadonlyMap<string, Tensor>,
  types: ReadonlyMap<string, ValueMeta>,
): Channels | undefined {
  const of = node.inputs.map((name) => known.get(name));
  const [x] = of;
  if (!x) return undefined;
  if (isOp(node, 'Relu')) return x.map((c) => cut(c, 0, Infinity));
  if (isOp(node, 'Clip')) return clipped(node, x, constants);
  if (isOp(node, 'Add')) return of[1]?.length === x.length ? x.map((c, i) => sum(c, of[1]![i])) : undefined;
  // A mean of values has their mean; that it varies less does not matter to what reads it as it is.
  if (isOp(node, 'GlobalAveragePool', 'Identity', 'Dropout')) return x;
  if (isOp(node, 'AveragePool')) return intsAttribute(node, 'pads')?.some((p) => p > 0) ? undefined : x;
  const dims = types.get(node.outputs[0])?.dims;
  return isOp(node, 'Flatten', 'Reshape', 'Squeeze') && dims?.[1] === x.length && dims.length === 2
    ? x
    : undefined;
}

function clipped(node: Node, x: Channels, constants: ReadonlyMap<string, Tensor>): Channels | undefined {
  const [low, high] = (['min', 'max'] as const).map((name, i) => {
    const given = node.inputs[i + 1];
    const constant = constants.get(given ?? '');
    const otherwise = i === 0 ? -Infinity : Infinity;
    return given ? constant && floatValues(constant)[0] : floatAttribute(node, name, otherwise);
  });
  return low === undefined || high === undefined ? undefined : x.map((c) => cut(c, low, high));
}

function sum(a: ClippedNormal, b: ClippedNormal): ClippedNormal {
  const [x, y] = [clippedMoments(a), clippedMoments(b)];
  const deviation = Math.sqrt(x.variance + y.variance);
  return { mean: x.mean + y.mean, deviation, low: -Infinity, high: Infinity };
}
