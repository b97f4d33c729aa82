import type { SampleSource } from '../data/types.js';
import { cloneModel, makeAttribute, makeNode, nameAllocator, opsetVersion, usedNames } from '../ir/graph.js';
import type { Attribute, Model } from '../ir/model.js';
import { int64Tensor } from '../ir/tensor.js';
import { openModel } from '../runtime/index.js';
import type { TensorValue } from '../runtime/types.js';
import type { ChannelStats, Slot } from './types.js';

interface Reduction {
  slot: Slot;
  min: string;
  max: string;
  mean: string;
  power: string;
}

/**
 * Extremes, mean and mean square of each channel of the values of `slots`, over at most `limit` samples. They are reduced
 * in the graph: four numbers a channel leave it.
 */
export async function channelStats(
  model: Model,
  slots: readonly Slot[],
  source: SampleSource,
  { limit, threads }: { limit: number; threads?: number },
): Promise<Map<string, ChannelStats>> {
  const stats = new Map<string, ChannelStats>();
  if (slots.length === 0) return stats;
  const { model: reduced, reductions } = withReductions(model, slots);
  const session = await openModel(reduced, { threads });
  try {
    let samples = 0;
    for await (const { feeds } of source.samples((index) => index < limit)) {
      const values = await session.run(feeds);
      for (const r of reductions) accumulate(stats, r, values);
      if (++samples === limit) break;
    }
    for (const sums of [...stats.values()].flatMap(({ mean, power }) => [mean, power]))
      for (let c = 0; c < sums.length; c++) sums[c] /= samples;
  } finally {
    await session.release();
  }
  return stats;
}

function accumulate(stats: Map<string, ChannelStats>, r: Reduction, values: Record<string, TensorValue>) {
  const [min, max, mean, power] = [r.min, r.max, r.mean, r.power].map(
    (name) => values[name].data as Float32Array,
  );
  const n = min.length;
  const entry = stats.get(r.slot.tensor) ?? {
    min: new Float64Array(n).fill(Number.POSITIVE_INFINITY),
    max: new Float64Array(n).fill(Number.NEGATIVE_INFINITY),
    mean: new Float64Array(n),
    power: new Float64Array(n),
  };
  stats.set(r.slot.tensor, entry);
  for (let c = 0; c < n; c++) {
    entry.min[c] = Math.min(entry.min[c], min[c]);
    entry.max[c] = Math.max(entry.max[c], max[c]);
    entry.mean[c] += mean[c];
    entry.power[c] += power[c];
  }
}

/** The model with small outputs only: minimum, maximum, mean and mean square of each channel. */
function withReductions(model: Model, slots: readonly Slot[]) {
  const copy = cloneModel(model);
  const { graph } = copy;
  const fresh = nameAllocator(usedNames(graph));
  const opset = opsetVersion(model);
  graph.outputs = [];
  const reduce = (opType: string, slot: Slot, from: string): string => {
    const axes = Array.from({ length: slot.rank }, (_, axis) => axis).filter((axis) => axis !== slot.axis);
    const name = fresh(`${from}_${opType}`);
    const flat: Attribute[] = [makeAttribute.int('keepdims', 0)];
    const inputs = [from];
    if (opset < 18) flat.push(makeAttribute.ints('axes', axes));
    else {
      inputs.push(fresh(`${name}_axes`));
      graph.initializers.push(int64Tensor(inputs[1], [axes.length], axes));
    }
    graph.nodes.push(makeNode(opType, inputs, [name], flat));
    graph.outputs.push({ name });
    return name;
  };
  const reductions = slots.map((slot): Reduction => {
    const square = fresh(`${slot.tensor}_square`);
    graph.nodes.push(makeNode('Mul', [slot.tensor, slot.tensor], [square]));
    return {
      slot,
      min: reduce('ReduceMin', slot, slot.tensor),
      max: reduce('ReduceMax', slot, slot.tensor),
      mean: reduce('ReduceMean', slot, slot.tensor),
      power: reduce('ReduceMean', slot, square),
    };
  });
  return { model: copy, reductions };
}
