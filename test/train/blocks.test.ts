import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { decide } from '../../src/pipeline/decide.js';
import { produce } from '../../src/pipeline/produce.js';
import { openJob } from '../../src/pipeline/stages.js';
import { Reconstruction } from '../../src/pipeline/training/reconstruction.js';
import { sized } from '../../src/pipeline/training/sizes.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds } from '../../src/runtime/types.js';
import {
  Batches,
  blocksOf,
  initialState,
  layoutOf,
  lossOf,
  openEvaluator,
  type Problem,
  quantizersOf,
  reconstructBlock,
  store,
  type Table,
} from '../../src/train/index.js';
import { model, random, value } from '../prepare/helpers.js';

describe('cutting into blocks', () => {
  const layer = (from: string, to: string) => makeNode('MatMul', [from, 'w'], [to], [], { name: to });
  const cut = (nodes: ReturnType<typeof layer>[], outputs: string[], least = 1, fits = (_: string) => true) =>
    blocksOf(
      model({
        nodes,
        inputs: [value('x', [4, 2])],
        outputs: outputs.map((name) => value(name, [4, 2])),
        initializers: [random('w', [2, 2])],
      }),
      fits,
      least,
    ).map((b) => `${b.inputs} > ${b.nodes.map((n) => n.outputs)} > ${b.outputs}`);
  const chain = [layer('x', 'a'), layer('a', 'b'), layer('b', 'c')];
  const residual = [
    layer('x', 'a'),
    layer('a', 'b'),
    makeNode('Add', ['a', 'b'], ['s'], [], { name: 's' }),
    layer('s', 'y'),
  ];
  it.each([
    ['a chain, layer by layer', cut(chain, ['c']), ['x > a > a', 'a > b > b', 'b > c > c']],
    ['a chain, two layers at least', cut(chain, ['c'], 2), ['x > a,b > b', 'b > c > c']],
    ['nothing amid a residual sum', cut(residual, ['y']), ['x > a > a', 'a > b,s > s', 's > y > y']],
    ['nothing behind an early output', cut(chain, ['a', 'c']), ['x > a,b,c > a,c']],
    ['only where values fit', cut(chain, ['c'], 1, (n) => n !== 'a'), ['x > a,b > b', 'b > c > c']],
  ])('%s', (_, blocks, expected) => {
    expect(blocks).toEqual(expected);
  });
});

describe('training a block', () => {
  const [ROWS, SCALE] = [32, 0.1];
  const [WEIGHT, BIAS] = [0.41, 0.3];
  const rows = Array.from({ length: ROWS }, (_, i) => i);
  /** Around 0, so that weight and bias are found apart from each other. */
  const x = rows.map((r) => (2 * r + 1) / ROWS - 1);
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const line = (weight: number, bias: number) => x.map((v) => weight * v + bias);
  const plan = {
    ...{ tensor: 'w', uses: [{ node: 'y', input: 1 }], format: 'int4', form: 'linear', axis: 1 },
    ...{ granularity: { kind: 'perchannel' }, symmetric: true, weightOnly: true, reason: '' },
  } as const;
  /** y = w·x + b with w on a grid of tenths, from w = 0.2 and b = 0.2. */
  const problem = (settings: Partial<Problem['settings']>) =>
    ({
      model: model(
        {
          nodes: [makeNode('Gemm', ['x', 'w', 'b'], ['y'], [], { name: 'y' })],
          inputs: [value('x', [ROWS, 1])],
          outputs: [value('y', [ROWS, 1])],
          initializers: [floatTensor('w', [1, 1], [2 * SCALE]), floatTensor('b', [1], [0.2])],
        },
        { opset: 21, irVersion: 10 },
      ),
      dims: new Map([...'xy'].map((name) => [name, [ROWS, 1]])),
      quantized: {
        plan: { activations: [], integer: [] },
        weights: [
          {
            ...{ plan, dims: [1, 1], codes: Int8Array.of(2) },
            shape: { outer: 1, channels: 1, inner: 1 },
            params: { scales: Float32Array.of(SCALE), zeroPoints: Int32Array.of(0) },
          },
        ],
      },
      terms: [{ value: 'y', target: 't', kind: 'relative-mse', weight: 1 }],
      settings: { optimiser: 'adam', learnScales: false, clip: 1, annealing: false, ...settings },
    }) as unknown as Problem;
  const table = (name: string, values: readonly number[]): Table => {
    const all: Table = {};
    const data = Float32Array.from(values);
    store(all, rows, { [name]: { dtype: 'float32', dims: [ROWS, 1], data } }, ROWS);
    return all;
  };
  const train = async (wanted: readonly number[], settings: Partial<Problem['settings']> = {}) => {
    const whole = problem(settings);
    const material = { inputs: table('x', x), wanted: table('t', wanted) };
    const start = initialState(layoutOf(whole, quantizersOf(whole)), whole.model.graph.initializers);
    const evaluator = await openEvaluator(whole, ['y'], 1);
    const schedule = { steps: 100, rate: 0.1, scaleRate: 0.1, warmUp: 0, frozenEnd: 0, annealing: 0 };
    const judge = (state: typeof start) => lossOf(evaluator, material, state, rows, ROWS);
    const options = { batch: ROWS, schedule, seed: 0, fit: rows, floatShare: 0, judge, threads: 1 };
    const found = await reconstructBlock(
      whole,
      evaluator,
      { ...material, float: material.inputs },
      start,
      options,
    );
    await evaluator.release();
    return { ...found, start };
  };

  it('finds the nearest code and the bias that makes up for it', async () => {
    const wanted = line(WEIGHT, BIAS);
    const spread = mean(x.map((v) => (v - mean(x)) ** 2));
    const least = ((4 * SCALE - WEIGHT) ** 2 * spread) / mean(wanted.map((v) => v * v));
    const { before, after, state } = await train(wanted);
    expect(Math.round(state.weights.value[0] / SCALE)).toBe(4);
    expect(after).toBeLessThan(1.1 * least);
    expect(after).toBeGreaterThan(0.99 * least);
    expect(before).toBeGreaterThan(100 * least);
  });

  it('finds the scale that suits the codes, where those stay', async () => {
    const { after, state } = await train(line(WEIGHT, BIAS), { learnScales: true, heldCodes: true });
    expect(state.scales.value[0]).toBeCloseTo(WEIGHT / 2, 3);
    expect(after).toBeLessThan(1e-4);
  });

  it('leaves a block as it was where nothing is better', async () => {
    const { before, after, state, start } = await train(line(2 * SCALE, 0.2));
    expect(before).toBeLessThan(1e-10);
    expect(after).toBe(before);
    expect(state.weights.value).toEqual(start.weights.value);
  });
});

it('trains the blocks of a network in turn, none so that the network gets worse, and writes what it found', async () => {
  const folder = join(import.meta.dirname, '../../fixtures');
  const job = await openJob({
    ...{ model: join(folder, 'shapes.onnx'), target: 'cpu', scheme: 'int4-a8-perchannel' },
    ...{ method: 'mse', effort: 'fast', limit: 32, threads: 1 },
  });
  const { draft } = await decide(job);
  const [COUNT, BATCH] = [24, 3];
  const feeds: Feeds[] = [];
  for await (const sample of draft.source.samples((i) => i < COUNT)) feeds.push(sample.feeds);
  const network = new Reconstruction(draft, await sized(job.prepared, feeds[0], BATCH), 12);
  network.feed(feeds);
  await network.foresee();
  for (const at of network.blocks.keys()) await network.take(at);
  expect(network.gains.length).toBeGreaterThan(1);
  for (const { before, after } of network.gains) expect(after).toBeLessThanOrEqual(before);
  expect(network.gains.some(({ before, after }) => after < before)).toBe(true);

  // The last block's error, on the samples that judged, is that of the network as it is written: biases are rounded there
  // besides, and that moves a few codes of the values behind them.
  const judges = await new Batches(draft.source).feeds([0, 8, 16]);
  const { runs } = await produce(network.result());
  const [wanted, seen] = await Promise.all(
    [job.loaded.model, runs].map(async (m) => {
      const session = await openModel(m, { threads: 1, keepQdq: true });
      const out = Object.values(await session.run(judges))[0].data as Float32Array;
      await session.release();
      return out;
    }),
  );
  const power = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0);
  const error = power(seen.map((v, i) => v - wanted[i])) / power(wanted);
  const { after } = network.gains.at(-1)!;
  expect(error).toBeGreaterThan(0.8 * after);
  expect(error).toBeLessThan(1.25 * after);
});
