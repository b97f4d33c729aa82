import type { SampleSource } from '../data/types.js';
import { type Diagnostic, QuantizeError } from '../errors.js';
import {
  cloneModel,
  floatAttribute,
  isOp,
  links,
  makeAttribute,
  makeNode,
  nameAllocator,
  opsetVersion,
  usedNames,
} from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import { prune } from '../ir/prune.js';
import { floatValues, int64Tensor } from '../ir/tensor.js';
import { openModel } from '../runtime/index.js';

/** A handful of pictures differ from all of them by far less than the limits. */
const SAMPLES = 8;
/** The first normalisations say it: what lies behind them was evened out by them. */
const LAYERS = 2;
/** Octaves of variance, and standard deviations of the mean, that half of the channels may be off. */
const VARIANCE_OCTAVES = 2.5;
const MEAN_DEVIATIONS = 2;

const EPSILON = 1e-5;

/**
 * Holds the samples against what the network was trained on: the first BatchNormalizations remember the mean and the
 * variance that each channel had then. Inputs in 0…255 in place of 0…1, or never divided by their deviation, are far off.
 * @param model as it was loaded: preparing it folds normalisations away
 */
export async function normalisationLints(model: Model, source: SampleSource): Promise<Diagnostic[]> {
  if (source.kind !== 'real') return [];
  const probe = probeModel(model);
  if (probe.layers.length === 0) return [];
  const seen = await moments(probe, source).catch((cause) => {
    // Some models run only when they are prepared; the job says so itself if they do not.
    if (cause instanceof QuantizeError) return undefined;
    throw cause;
  });
  for (const [i, { node, mean, variance }] of probe.layers.entries()) {
    if (!seen) break;
    const found = seen[i];
    const octaves = median(
      found.mean.map((m, c) => Math.log2((found.power[c] - m * m + EPSILON) / variance[c])),
    );
    const shift = median(found.mean.map((m, c) => Math.abs(m - mean[c]) / Math.sqrt(variance[c])));
    if (Math.abs(octaves) <= VARIANCE_OCTAVES && shift <= MEAN_DEVIATIONS) continue;
    const message = `the samples are not scaled like what the network was trained on: at its first normalisation values vary ${(2 ** (octaves / 2)).toPrecision(2)} times as much as they did then, and lie ${shift.toFixed(1)} standard deviations off; see --preset, --mean and --std`;
    return [{ level: 'warning', code: 'SAMPLES_SCALE', message, where: { node: node.name } }];
  }
  return [];
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

interface Layer {
  node: Node;
  mean: Float32Array;
  variance: Float32Array;
  /** Names of the graph's outputs: means of each channel and of its squares. */
  first: string;
  second: string;
}

/** The part of the model before its first normalisations, with the means of what those read as outputs. */
function probeModel(model: Model): { graph: Model; layers: Layer[] } {
  const graph = cloneModel(model);
  const { initializer } = links(graph.graph);
  const fresh = nameAllocator(usedNames(graph.graph));
  graph.graph.outputs = [];
  const layers: Layer[] = [];
  for (const node of graph.graph.nodes.filter((n) => isOp(n, 'BatchNormalization'))) {
    const [mean, variance] = [node.inputs[3], node.inputs[4]].map((name) => initializer.get(name));
    if (!mean || !variance || layers.length === LAYERS) continue;
    const epsilon = floatAttribute(node, 'epsilon', EPSILON);
    const [x] = node.inputs;
    const square = fresh(`${x}_square`);
    graph.graph.nodes.push(makeNode('Mul', [x, x], [square]));
    const [first, second] = [x, square].map((name) => channelMean(graph, name, fresh));
    const spread = floatValues(variance).map((v) => v + epsilon);
    layers.push({ node, mean: floatValues(mean), variance: spread, first, second });
  }
  prune(graph.graph);
  return { graph, layers };
}

/** Mean over the batch and all positions: [N, C, …] as [N, C, P]. */
function channelMean(model: Model, from: string, fresh: (wanted: string) => string): string {
  const [shape, flat, mean] = ['shape', 'flat', 'mean'].map((part) => fresh(`${from}_${part}`));
  model.graph.initializers.push(int64Tensor(shape, [3], [0, 0, -1]));
  model.graph.nodes.push(makeNode('Reshape', [from, shape], [flat]));
  const keep = makeAttribute.int('keepdims', 0);
  if (opsetVersion(model) < 18)
    model.graph.nodes.push(
      makeNode('ReduceMean', [flat], [mean], [makeAttribute.ints('axes', [0, 2]), keep]),
    );
  else {
    const axes = fresh(`${from}_axes`);
    model.graph.initializers.push(int64Tensor(axes, [2], [0, 2]));
    model.graph.nodes.push(makeNode('ReduceMean', [flat, axes], [mean], [keep]));
  }
  model.graph.outputs.push({ name: mean });
  return mean;
}

async function moments({ graph, layers }: { graph: Model; layers: Layer[] }, source: SampleSource) {
  const session = await openModel(graph);
  const sums = layers.map(({ mean }) => ({
    mean: Array(mean.length).fill(0),
    power: Array(mean.length).fill(0),
  }));
  const wanted = new Set(session.inputs.map(({ name }) => name));
  try {
    let samples = 0;
    for await (const { feeds } of source.samples((index) => index < SAMPLES)) {
      const run = await session.run(
        Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name))),
      );
      layers.forEach(({ first, second }, i) => {
        (run[first].data as Float32Array).forEach((m, c) => {
          sums[i].mean[c] += m;
          sums[i].power[c] += (run[second].data as Float32Array)[c];
        });
      });
      if (++samples === SAMPLES) break;
    }
    return sums.map(({ mean, power }) => ({
      mean: mean.map((m: number) => m / samples),
      power: power.map((p: number) => p / samples),
    }));
  } finally {
    await session.release();
  }
}
