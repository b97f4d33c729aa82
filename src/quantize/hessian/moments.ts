import { RunningSums } from '../../../kernels/sums.js';
import type { SampleSource } from '../../data/types.js';
import { cloneModel, nameAllocator, renameUses, usedNames } from '../../ir/graph.js';
import type { Model } from '../../ir/model.js';
import { prune } from '../../ir/prune.js';
import { elementCount } from '../../ir/tensor.js';
import { openModel } from '../../runtime/index.js';
import type { TensorValue, ValueMeta } from '../../runtime/types.js';
import { GramBuilder, type GramOutputs } from './graph.js';
import type { Task } from './tasks.js';

/** Second moments of what weights are multiplied with, groups × columns × columns. */
export interface Moments {
  /** Σ x·xᵀ over a sample, the mean of the samples. */
  moments: Float64Array;
  /** Mean of x, groups × columns. */
  mean: Float64Array;
  /** Vectors x of a sample, the mean of the samples, and of all samples together. */
  perSample: number;
  vectors: number;
  /** Σ (f − x)·xᵀ, likewise, f being what the float model has for x; only where x is rounded. */
  drift?: Float64Array;
}

export interface MomentOptions {
  threads?: number;
  signal?: AbortSignal;
  /** The same model with rounded weights and activations: x is taken from it, and how far x is off. */
  rounded?: Model;
  onProgress?(done: number, total: number): void;
}

/** H settles by a few thousand vectors, which as many samples give even to a fully connected layer behind a pooling. */
export const MAX_SAMPLES = 128;

/**
 * The matrices of some tasks, in one pass of the model over the samples. The graph sums over one sample, in float32;
 * samples are added up in float64.
 * @throws QuantizeError RUN_FAILED (invalid); INTERRUPTED
 */
export async function secondMoments(
  model: Model,
  tasks: readonly Task[],
  types: ReadonlyMap<string, ValueMeta>,
  source: SampleSource,
  { threads, signal, onProgress, rounded }: MomentOptions = {},
): Promise<Moments[]> {
  const { graph, outputs } = gramModel(model, rounded, tasks, types);
  // onnxruntime draws Q/DQ pairs through what is read of their values, at opset 21 with a zero point of the wrong type.
  const session = await openModel(graph, { threads, keepQdq: rounded !== undefined });
  try {
    const wanted = tasks.flatMap((task, t) => landings(task, outputs[t]));
    const sums = new RunningSums(wanted.map(({ dims }) => elementCount(dims)));
    const fetches = Object.fromEntries([
      ...wanted.map(({ name, dims }, i) => [name, landing(dims, sums.entries[i].addend)]),
      ...outputs.map(({ shape }) => [shape, null]),
    ]);
    const vectors = tasks.map(() => 0);
    const total = Math.min(source.count ?? MAX_SAMPLES, MAX_SAMPLES);
    let samples = 0;
    for await (const { feeds } of source.samples((index) => index < MAX_SAMPLES)) {
      signal?.throwIfAborted();
      const run = await session.run(feeds, fetches);
      sums.add();
      outputs.forEach(({ shape }, t) => {
        vectors[t] += Number(run[shape].data[2]);
      });
      samples++;
      onProgress?.(samples, total);
      if (samples === MAX_SAMPLES) break;
    }
    const count = Math.max(1, samples);
    const means = new Map(wanted.map(({ name }, i) => [name, sums.entries[i].sum.map((x) => x / count)]));
    return outputs.map(({ moments, mean, drift }, t) => ({
      moments: means.get(moments)!,
      mean: means.get(mean)!,
      perSample: vectors[t] / count,
      vectors: vectors[t],
      ...(drift !== undefined && { drift: means.get(drift)! }),
    }));
  } finally {
    await session.release();
  }
}

/** Outputs that are summed over the samples, with their shapes. */
function landings({ weights: [{ form }] }: Task, { moments, mean, drift }: GramOutputs) {
  const { groups, columns } = form;
  const square = [groups, columns, columns];
  return [
    { name: moments, dims: square },
    { name: mean, dims: [groups, columns] },
    ...(drift === undefined ? [] : [{ name: drift, dims: square }]),
  ];
}

/** onnxruntime writes what a sample gives straight into the kernels' memory. */
const landing = (dims: number[], data: Float32Array): TensorValue => ({ dtype: 'float32', dims, data });

/** The part of the model that makes the activations, and matrices of each as outputs. */
function gramModel(
  model: Model,
  rounded: Model | undefined,
  tasks: readonly Task[],
  types: ReadonlyMap<string, ValueMeta>,
) {
  const graph = cloneModel(model);
  graph.graph.outputs = [];
  const views = rounded && beside(graph, rounded);
  const builder = new GramBuilder(graph);
  const outputs = tasks.map(({ activation, reader, weights: [{ form }] }) => {
    const dims = types.get(activation)?.dims ?? [];
    return views
      ? builder.gram(views.get(reader.node)?.[reader.input] ?? activation, form, dims, activation)
      : builder.gram(activation, form, dims);
  });
  prune(graph.graph);
  return { graph, outputs };
}

/** Puts a model that reads the same inputs into the graph. @returns what its nodes read, by the nodes' names */
function beside(into: Model, model: Model): Map<string, string[]> {
  const fresh = nameAllocator(usedNames(into.graph));
  const { graph } = cloneModel(model);
  const own = [...graph.initializers.map((t) => t.name ?? ''), ...graph.nodes.flatMap((n) => n.outputs)];
  const names = new Map(own.filter((name) => name).map((name) => [name, fresh(`rounded_${name}`)]));
  for (const [from, to] of names) renameUses(graph, from, to);
  const renamed = (name: string) => names.get(name) ?? name;
  const read = new Map(graph.nodes.map((n) => [n.name ?? '', n.inputs]));
  into.graph.initializers.push(...graph.initializers.map((t) => ({ ...t, name: renamed(t.name ?? '') })));
  into.graph.nodes.push(
    ...graph.nodes.map((n) => ({ ...n, name: fresh(`rounded_${n.name}`), outputs: n.outputs.map(renamed) })),
  );
  into.opsetImports = model.opsetImports;
  return read;
}
