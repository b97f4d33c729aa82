import type { SampleSource } from '../data/types.js';
import { invalidError, QuantizeError } from '../errors.js';
import { makeAttribute, makeNode } from '../ir/graph.js';
import type { Model, Tensor } from '../ir/model.js';
import { elementCount, floatValues } from '../ir/tensor.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, TensorValue } from '../runtime/types.js';
import { product } from './adjoints/common.js';
import { assembled } from './assemble.js';
import type { Cut } from './backward.js';
import { type FisherGraph, type FisherProblem, fisherGraph, SQUARES } from './fisher-graph.js';
import { next } from './graph.js';
import { totalOf } from './parameters.js';
import { uniform } from './random.js';

export interface FisherOptions {
  /** Samples at most. */
  limit: number;
  /** Of the random signs. */
  seed: number;
  threads?: number;
  signal?: AbortSignal;
  onProgress?(done: number): void;
}

/** Diagonal Fisher information of weights. */
export interface Fisher {
  /** Σg² by weight, over the samples. */
  squares: Map<string, Float32Array>;
  /**
   * What Σ squares·Δw² is to be multiplied with: 1/2 over the rows of scores, and it forecasts the mean KL of a row in nats;
   * 1 where no value has classes, and it forecasts the noise over the signal power, summed over the watched values.
   */
  factor: number;
  samples: number;
  /** Samples of other sizes than the first, which were left out. */
  skipped: number;
  frozen: string[];
  cuts: Cut[];
}

/**
 * Fisher's information of each weight about the outputs, one gradient a sample: ½·Σ F·Δw² is what KL(before ‖ after) grows
 * by when weights change a little (OBS: Hassibi and Stork 1993, with the Fisher for the Hessian as in BRECQ, arXiv 2102.05426).
 * Memory: one sample's activations, and two vectors as long as the weights.
 * @throws QuantizeError NO_SAMPLES (invalid), INTERRUPTED, RUN_FAILED (invalid)
 */
export async function fisherOf(
  problem: FisherProblem,
  source: SampleSource,
  options: FisherOptions,
): Promise<Fisher> {
  const graph = fisherGraph(problem);
  const { places, frozen, cuts } = graph;
  const amplitudes = await amplitudesOf(problem, source, options);
  const { sum, samples, skipped } =
    places.length > 0
      ? await squaresOf(graph, problem, amplitudes, source, options)
      : { sum: new Float32Array(0), samples: 0, skipped: 0 };
  const squares = new Map(
    places.map(({ name, offset, size }) => [name, sum.subarray(offset, offset + size)]),
  );
  const rows = problem.watched.find((w) => w.classes !== undefined);
  const perSample = rows && product(problem.dims.get(rows.value)!) / rows.classes!;
  return { squares, factor: perSample ? 0.5 / (perSample * samples) : 1, samples, skipped, frozen, cuts };
}

async function squaresOf(
  { model, places, probes }: FisherGraph,
  problem: FisherProblem,
  amplitudes: readonly number[],
  source: SampleSource,
  { threads, seed, ...options }: FisherOptions,
) {
  const session = await openModel(model, { threads, lean: true });
  let [sum, spare] = [0, 0].map(() => new Float32Array(totalOf(places)));
  try {
    const counts = await eachSample(problem, source, options, async (feeds, index) => {
      const signs = probes.map(({ name, dims }, i): [string, TensorValue] => [
        name,
        { dtype: 'float32', dims, data: randomSigns(elementCount(dims), amplitudes[i], seed + i, index) },
      ]);
      const given = { ...feeds, ...Object.fromEntries(signs), [SQUARES]: flat(sum) };
      await session.run(given, { [next(SQUARES)]: flat(spare) });
      [sum, spare] = [spare, sum];
    });
    return { sum, ...counts };
  } finally {
    await session.release();
  }
}

const flat = (data: Float32Array): TensorValue => ({ dtype: 'float32', dims: [data.length], data });

const randomSigns = (count: number, amplitude: number, seed: number, index: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (uniform(seed, index, i) < 0.5 ? -amplitude : amplitude));

/** Runs what the graph is sized for. */
async function eachSample(
  { model, dims }: FisherProblem,
  source: SampleSource,
  { limit, signal, onProgress }: Omit<FisherOptions, 'seed'>,
  run: (feeds: Feeds, index: number) => Promise<void>,
): Promise<{ samples: number; skipped: number }> {
  let [samples, skipped] = [0, 0];
  for await (const { feeds, index } of source.samples()) {
    if (signal?.aborted) throw new QuantizeError('interrupted', 'INTERRUPTED', 'stopped as asked');
    const fits = model.graph.inputs.every(({ name }) => feeds[name]?.dims.join() === dims.get(name)?.join());
    if (fits) {
      await run(feeds, index);
      samples++;
      onProgress?.(samples);
    } else skipped++;
    if (samples + skipped === limit) break;
  }
  if (samples > 0) return { samples, skipped };
  throw invalidError('NO_SAMPLES', `there are no samples in ${source.description}`);
}

/** What signs are multiplied with: 1 for classes; 1/√Σy² over the samples for values whose squared change counts. */
async function amplitudesOf(
  problem: FisherProblem,
  source: SampleSource,
  { threads, limit, signal }: FisherOptions,
): Promise<number[]> {
  const { model, watched } = problem;
  if (watched.every((w) => w.classes !== undefined)) return watched.map(() => 1);
  const powers = watched.map(({ value }) => `power of ${value}`);
  const whole = [makeAttribute.int('keepdims', 0)];
  const measures = watched.map(({ value }, i) => makeNode('ReduceSumSquare', [value], [powers[i]], whole));
  const { nodes, inputs, initializers } = model.graph;
  const session = await openModel(
    assembled(model, { nodes: [...nodes, ...measures], inputs, initializers, outputs: powers }),
    { threads },
  );
  const sums = watched.map(() => 0);
  try {
    await eachSample(problem, source, { limit, signal }, async (feeds) => {
      const found = await session.run(feeds);
      powers.forEach((name, i) => {
        sums[i] += found[name].data[0] as number;
      });
    });
  } finally {
    await session.release();
  }
  return sums.map((power) => (power > 0 ? 1 / Math.sqrt(power) : 0));
}

/** Forecasts of what other values of a weight do: factor·Σ squares·(w − ŵ)². */
export interface Forecaster {
  /** @returns undefined where no gradient reaches the weight */
  of(weight: Tensor, rounded: Float32Array): Promise<number | undefined>;
  release(): Promise<void>;
}

export async function openForecaster({ squares, factor }: Fisher, like: Model): Promise<Forecaster> {
  const names = ['squares', 'weight', 'rounded'];
  const inputs = names.map((name) => ({
    name,
    type: { tensor: { elemType: 1, shape: { dims: [{ param: 'n' }] } } },
  }));
  const nodes = [
    makeNode('Sub', ['weight', 'rounded'], ['change']),
    makeNode('Mul', ['change', 'change'], ['power']),
    makeNode('Mul', ['power', 'squares'], ['part']),
    makeNode('ReduceSum', ['part'], ['sum'], [makeAttribute.int('keepdims', 0)]),
  ];
  const session = await openModel(assembled(like, { nodes, inputs, initializers: [], outputs: ['sum'] }));
  return {
    async of(weight, rounded) {
      const known = squares.get(weight.name!);
      if (!known) return undefined;
      const { sum } = await session.run({
        squares: flat(known),
        weight: flat(floatValues(weight)),
        rounded: flat(rounded),
      });
      return factor * (sum.data[0] as number);
    },
    release: () => session.release(),
  };
}
