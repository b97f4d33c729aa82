import type { SampleSource } from '../data/types.js';
import { cloneModel, makeAttribute, makeNode, nameAllocator, opsetVersion, usedNames } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import { int64Tensor } from '../ir/tensor.js';
import type { ActivationPlan, Plan } from '../plan/types.js';
import { openModel } from '../runtime/index.js';
import type { TensorValue, ValueMeta } from '../runtime/types.js';
import { addView } from './probe.js';

/** Mean of each channel (axis 1) of an activation: as it is, and rounded to its grid. */
export interface ChannelMeans {
  float: Float64Array;
  rounded: Float64Array;
}

/** Means settle long before ranges do. */
const MAX_SAMPLES = 64;

interface Probe {
  tensor: string;
  float: string;
  rounded: string;
}

/**
 * Channel means of the activations that feed biased integer nodes, in one pass of the float model over at most 64
 * samples: the reduction happens in the graph, so that only one number a channel leaves it.
 */
export async function channelMeans(
  model: Model,
  plan: Plan,
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
  { threads, limit = MAX_SAMPLES }: { threads?: number; limit?: number } = {},
): Promise<Map<string, ChannelMeans>> {
  const wanted = new Set(plan.biases.map((b) => b.activation));
  const activations = plan.activations.filter((a) => wanted.has(a.tensor) && rankOf(types, a.tensor) >= 2);
  const means = new Map<string, ChannelMeans>();
  if (activations.length === 0) return means;
  const { model: probe, probes } = probeModel(model, activations, types);
  const session = await openModel(probe, { threads });
  try {
    let samples = 0;
    for await (const { feeds } of source.samples((index) => index < limit)) {
      const values = await session.run(feeds);
      for (const p of probes) accumulate(means, p, values);
      if (++samples === limit) break;
    }
    for (const { float, rounded } of means.values()) {
      divide(float, samples);
      divide(rounded, samples);
    }
  } finally {
    await session.release();
  }
  return means;
}

function divide(sums: Float64Array, count: number): void {
  for (let c = 0; c < sums.length; c++) sums[c] /= count;
}

const rankOf = (types: ReadonlyMap<string, ValueMeta>, tensor: string): number =>
  types.get(tensor)?.dims.length ?? 0;

function accumulate(
  means: Map<string, ChannelMeans>,
  probe: Probe,
  values: Record<string, TensorValue>,
): void {
  const [float, rounded] = [values[probe.float].data, values[probe.rounded].data] as Float32Array[];
  const entry = means.get(probe.tensor) ?? {
    float: new Float64Array(float.length),
    rounded: new Float64Array(rounded.length),
  };
  means.set(probe.tensor, entry);
  for (let c = 0; c < float.length; c++) {
    entry.float[c] += float[c];
    entry.rounded[c] += rounded[c];
  }
}

/** The float model with two small outputs for each activation: its channel means before and behind its grid. */
function probeModel(model: Model, activations: ActivationPlan[], types: ReadonlyMap<string, ValueMeta>) {
  const copy = cloneModel(model);
  const fresh = nameAllocator(usedNames(copy.graph));
  copy.graph.outputs = [];
  const probes = activations.map((activation) => {
    const { tensor } = activation;
    const view = addView(copy.graph, activation, fresh);
    const probe: Probe = { tensor, float: fresh(`${tensor}_probe_mean`), rounded: fresh(`${view}_mean`) };
    for (const [from, to] of [
      [tensor, probe.float],
      [view, probe.rounded],
    ])
      copy.graph.nodes.push(channelMean(copy, from, to, rankOf(types, tensor), fresh));
    copy.graph.outputs.push({ name: probe.float }, { name: probe.rounded });
    return probe;
  });
  return { model: copy, probes };
}

/** ReduceMean over all axes but 1; its axes are an attribute before opset 18 and an input from there on. */
function channelMean(
  model: Model,
  from: string,
  to: string,
  rank: number,
  fresh: (name: string) => string,
): Node {
  const axes = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 1);
  const flat = makeAttribute.int('keepdims', 0);
  if (opsetVersion(model) < 18)
    return makeNode('ReduceMean', [from], [to], [makeAttribute.ints('axes', axes), flat]);
  const name = fresh(`${to}_axes`);
  model.graph.initializers.push(int64Tensor(name, [axes.length], axes));
  return makeNode('ReduceMean', [from, name], [to], [flat]);
}
