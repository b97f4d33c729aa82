import { describe, expect, it } from 'vitest';
import { rowDivergence } from '../../kernels/divergence.js';
import { makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor, floatValues } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { fisherGraph, SQUARES } from '../../src/train/fisher-graph.js';
import { next } from '../../src/train/graph.js';
import { type FisherProblem, fisherOf, openForecaster } from '../../src/train/index.js';
import { source } from '../emit/emitted.js';
import { model, random, run, value } from '../prepare/helpers.js';

const vector = (data: number[], dims = [data.length]) => ({
  dtype: 'float32' as const,
  dims,
  data: Float32Array.from(data),
});
const weightsOf = (m: Model) => m.graph.initializers;

/** y = x·w with as many outputs as `columns`. */
const linear = (w: number[], columns: number): FisherProblem => {
  const rows = w.length / columns;
  const m = model(
    {
      nodes: [makeNode('MatMul', ['x', 'w'], ['y'], [], { name: 'n' })],
      inputs: [value('x', [1, rows])],
      outputs: [value('y', [1, columns])],
      initializers: [floatTensor('w', [rows, columns], w)],
    },
    { opset: 21 },
  );
  const dims = new Map([
    ['x', [1, rows]],
    ['y', [1, columns]],
  ]);
  const watched = [{ value: 'y', ...(columns > 1 && { classes: columns }) }];
  return { model: m, dims, weights: weightsOf(m), watched };
};

const signsOf = (n: number): number[][] =>
  Array.from({ length: 2 ** n }, (_, code) =>
    Array.from({ length: n }, (_, i) => ((code >> i) & 1 ? 1 : -1)),
  );

/** The mean of g² over samples and all signs there are: the information itself, without chance. */
async function exactly(problem: FisherProblem, samples: number[][], classes: number): Promise<number[]> {
  const graph = fisherGraph(problem);
  const session = await openModel(graph.model, { threads: 1 });
  const size = graph.places.reduce((n, p) => n + p.size, 0);
  let squares = vector(new Array(size).fill(0));
  const patterns = signsOf(classes);
  for (const x of samples)
    for (const signs of patterns) {
      const feeds = { x: vector(x, [1, x.length]), [graph.probes[0].name]: vector(signs, [1, classes]) };
      const out = await session.run({ ...feeds, [SQUARES]: squares });
      squares = vector([...(out[next(SQUARES)].data as Float32Array)]);
    }
  await session.release();
  return [...squares.data].map((s) => s / (samples.length * patterns.length));
}

describe('information of weights', () => {
  it('two classes: x²·p·(1 − p)', async () => {
    const w = [0.5, -0.25, 0.125, 1];
    const x = [0.75, -0.5];
    const [a, b] = [0, 1].map((c) => x[0] * w[c] + x[1] * w[2 + c]);
    const p = 1 / (1 + Math.exp(b - a));
    const found = await exactly(linear(w, 2), [x], 2);
    const wanted = x.flatMap((v) => [v * v * p * (1 - p), v * v * p * (1 - p)]);
    for (const [i, f] of found.entries()) expect(f).toBeCloseTo(wanted[i], 6);
  });

  it('a linear regression: Σx² over Σy², whatever the signs', async () => {
    const w = [0.5, -1, 2];
    const samples = source({ x: [1, 3] }, 5);
    const { squares, factor, samples: seen } = await fisherOf(linear(w, 1), samples, { limit: 5, seed: 3 });
    const sums = [0, 0, 0];
    let power = 0;
    for await (const { feeds } of samples.samples()) {
      const x = [...(feeds.x.data as Float32Array)];
      x.forEach((v, i) => {
        sums[i] += v * v;
      });
      power += x.reduce((y, v, i) => y + v * w[i], 0) ** 2;
    }
    expect([factor, seen]).toEqual([1, 5]);
    // Sums of five float32 squares.
    for (const [i, s] of squares.get('w')!.entries()) expect(s / (sums[i] / power)).toBeCloseTo(1, 5);
  });

  it('½·F·Δ² is what KL grows by when one weight changes a little', async () => {
    const classes = 3;
    const m = model(
      {
        nodes: [
          makeNode('MatMul', ['x', 'w1'], ['h'], [], { name: 'n1' }),
          makeNode('Tanh', ['h'], ['t'], [], { name: 'a' }),
          makeNode('MatMul', ['t', 'w2'], ['y'], [], { name: 'n2' }),
        ],
        inputs: [value('x', [1, 4])],
        outputs: [value('y', [1, classes])],
        initializers: [random('w1', [4, 2]), random('w2', [2, classes], 2)],
      },
      { opset: 21 },
    );
    const dims = new Map([
      ['x', [1, 4]],
      ['h', [1, 2]],
      ['t', [1, 2]],
      ['y', [1, classes]],
    ]);
    const samples = Array.from({ length: 4 }, (_, i) => [...floatValues(random('x', [4], i + 1))]);
    const problem = { model: m, dims, weights: weightsOf(m), watched: [{ value: 'y', classes }] };
    const information = await exactly(problem, samples, classes);
    const step = 0.02;
    for (const [w, at, i] of [
      ['w1', 5, 5],
      ['w2', 2, 10],
    ] as const) {
      let kl = 0;
      // Both ways, so that what grows by the third power cancels; the rest is of the order of Δ².
      for (const change of [-step, step]) {
        const changed = weightsOf(m).map((t) =>
          t.name === w
            ? floatTensor(
                w,
                t.dims,
                floatValues(t).map((v, k) => (k === at ? v + change : v)),
              )
            : t,
        );
        const other = { ...m, graph: { ...m.graph, initializers: changed } };
        for (const x of samples) {
          const [before, after] = await Promise.all(
            [m, other].map((one) => run(one, { x: vector(x, [1, 4]) })),
          );
          const rows = [before, after].map(({ y }) => y.data as Float32Array);
          kl += rowDivergence(rows[0], rows[1], 0, classes) / (2 * samples.length);
        }
      }
      expect(kl / (0.5 * information[i] * step ** 2)).toBeCloseTo(1, 1);
    }
  });
});

it('forecasts add up squares times squared changes', async () => {
  const problem = linear([1, 2, 3], 1);
  const squares = new Map([['w', Float32Array.of(1, 10, 100)]]);
  const found = { squares, factor: 0.5, samples: 1, skipped: 0, frozen: [], cuts: [] };
  const forecaster = await openForecaster(found, problem.model);
  expect(await forecaster.of(problem.weights[0], Float32Array.of(1.5, 2, 2))).toBe(0.5 * (0.25 + 100));
  expect(await forecaster.of({ ...problem.weights[0], name: 'other' }, Float32Array.of(0))).toBeUndefined();
  await forecaster.release();
});

it('samples of other sizes than the graph is for are left out', async () => {
  const mixed = source({ x: [1, 3] }, 2);
  const samples = {
    ...mixed,
    async *samples() {
      yield* mixed.samples();
      yield { id: 'odd', index: 2, feeds: { x: vector([1, 2], [1, 2]) } };
    },
  };
  const found = await fisherOf(linear([1, 2, 3], 1), samples, { limit: 3, seed: 0 });
  expect(found).toMatchObject({ samples: 2, skipped: 1 });
});

it('is refused without samples', () =>
  expect(
    fisherOf(linear([1, 2, 3, 4], 2), source({ x: [1, 2] }, 0), { limit: 4, seed: 0 }),
  ).rejects.toMatchObject({ code: 'NO_SAMPLES' }));

it('names the operator that no gradient passes', async () => {
  const problem = linear([1, 2, 3, 4], 2);
  problem.model.graph.nodes = [
    makeNode('MatMul', ['x', 'w'], ['h'], [], { name: 'n' }),
    makeNode('Hardmax', ['h'], ['y'], [], { name: 'hard' }),
  ];
  problem.dims = new Map([...problem.dims, ['h', [1, 2]]]);
  const found = await fisherOf(problem, source({ x: [1, 2] }, 1), { limit: 1, seed: 0 });
  expect(found.frozen).toEqual(['w']);
  expect(found.cuts.map((c) => c.node.opType)).toEqual(['Hardmax']);
  expect(found.squares.size).toBe(0);
});
