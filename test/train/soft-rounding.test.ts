import { describe, expect, it } from 'vitest';
import { makeNode, nameAllocator } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { backward } from '../../src/train/backward.js';
import { Builder } from '../../src/train/builder.js';
import {
  between,
  decided,
  initialState,
  layoutOf,
  lossOf,
  mayLearnCodes,
  openEvaluator,
  type Problem,
  quantizersOf,
  reconstructBlock,
  store,
  type Table,
} from '../../src/train/index.js';
import { writeIndecision } from '../../src/train/soft-rounding.js';
import { Tape } from '../../src/train/tape.js';
import { model, seeded, value } from '../prepare/helpers.js';

const [ROWS, SCALE] = [64, 0.1];
/** In steps of the grid; each rounds down. */
const WEIGHTS = [2.45, -1.8, 4.3];
const next = seeded(5);
/** Three inputs of much in common: errors of one sign add up. */
const x = Array.from({ length: ROWS }, () => {
  const common = next();
  return WEIGHTS.map(() => common + 0.2 * next());
});
const made = (codes: ArrayLike<number>) =>
  x.map((row) => row.reduce((sum, v, i) => sum + v * codes[i] * SCALE, 0));
const wanted = made(WEIGHTS);
const power = (values: number[]) => values.reduce((sum, v) => sum + v * v, 0);
const errorOf = (codes: ArrayLike<number>) => power(made(codes).map((v, i) => v - wanted[i])) / power(wanted);

const weight = (codes: number[], format = 'int4') => ({
  plan: {
    ...{ tensor: 'w', uses: [{ node: 'y', input: 1 }], format, form: 'linear', axis: 1 },
    ...{ granularity: { kind: 'perchannel' }, symmetric: true, weightOnly: true, reason: '' },
  },
  ...{ dims: [WEIGHTS.length, 1], codes: Int8Array.from(codes) },
  shape: { outer: 1, channels: 1, inner: WEIGHTS.length },
  params: { scales: Float32Array.of(SCALE), zeroPoints: Int32Array.of(0) },
});
const floats = Float32Array.from(WEIGHTS, (w) => w * SCALE);

describe('where codes lie', () => {
  it.each([
    ['between the code and its neighbour towards the weight', [2, -1, 5], [2, -2, 4]],
    ['at the ends of the grid, inside of it', [7, -7, 7], [6, -7, 6]],
  ])('%s', (_, codes, expected) => {
    const found = between(weight(codes) as never, floats);
    expect([...found.lower]).toEqual(expected);
    expect([...decided(found.lower, found.start)]).toEqual(codes);
  });

  it('is learned of narrow integers alone', () => {
    expect(['int2', 'int4', 'int8', 'fp4'].map((f) => mayLearnCodes(weight([0, 0, 0], f) as never))).toEqual([
      ...[true, true],
      ...[false, false],
    ]);
  });
});

const all = Array.from({ length: 8 }, (_, i) => [2 + (i & 1), -2 + ((i >> 1) & 1), 4 + ((i >> 2) & 1)]);
const best = all.reduce((a, b) => (errorOf(b) < errorOf(a) ? b : a));

it.each([
  ['from the nearest', [2, -2, 4]],
  ['which stay where they are so already', best],
])('finds the codes that err least together, which enumeration finds as well: %s', async (_, starts) => {
  const { lower, start } = between(weight(starts) as never, floats);
  const problem = {
    model: model(
      {
        nodes: [makeNode('MatMul', ['x', 'w'], ['y'], [], { name: 'y' })],
        inputs: [value('x', [ROWS, 3])],
        outputs: [value('y', [ROWS, 1])],
        initializers: [floatTensor('w', [3, 1], start)],
      },
      { opset: 21, irVersion: 10 },
    ),
    dims: new Map([...Object.entries({ x: [ROWS, 3], y: [ROWS, 1] })]),
    quantized: {
      plan: { activations: [], integer: [] },
      weights: [{ ...weight(starts), codes: lower }],
      undecided: new Set(['w']),
    },
    terms: [{ value: 'y', target: 't', kind: 'relative-mse', weight: 1 }],
    settings: {
      optimiser: 'adam',
      learnScales: false,
      clip: 1,
      annealing: false,
      heldCodes: true,
      decideCodes: true,
    },
  } as unknown as Problem;
  const rows = x.map((_, i) => i);
  const table = (name: string, values: number[], columns: number): Table => {
    const all: Table = {};
    const tensor = { dtype: 'float32' as const, dims: [ROWS, columns], data: Float32Array.from(values) };
    store(all, rows, { [name]: tensor }, ROWS);
    return all;
  };
  const inputs = table('x', x.flat(), 3);
  const material = { inputs, float: inputs, wanted: table('t', wanted, 1) };
  const state = initialState(layoutOf(problem, quantizersOf(problem)), problem.model.graph.initializers);
  const evaluator = await openEvaluator(problem, ['y'], 1);
  const schedule = {
    ...{ steps: 100, rate: 0.01, scaleRate: 0, warmUp: 0, frozenEnd: 0, annealing: 0 },
  };
  const judge = (s: typeof state) => lossOf(evaluator, material, s, rows, ROWS);
  const options = { batch: ROWS, schedule, seed: 0, fit: rows, floatShare: 0, judge, threads: 1 };
  const found = await reconstructBlock(problem, evaluator, material, state, options);
  await evaluator.release();
  expect([...decided(lower, found.state.weights.value)]).toEqual(best);
  expect(found.before).toBeCloseTo(errorOf(starts), 6);
  expect(found.after).toBeCloseTo(errorOf(best), 6);
  expect(found.after).toBeLessThanOrEqual(found.before);
});

it('says how far codes are from decided, and where that goes', async () => {
  const [POWER, STEP] = [4, 1e-3];
  const h = [0, 0.1, 0.4, 0.8, 1];
  const b = new Builder(nameAllocator(new Set(['h', 'y', 'g'])));
  const tape = new Tape(b, new Map([['h', [h.length]]]));
  const y = writeIndecision(tape, 'h', b.number(POWER));
  const forward = { nodes: tape.nodes, dims: tape.dims, constant: () => undefined };
  const { gradients } = backward(b, forward, new Map([[y, b.number(1)]]), ['h']);
  const outputs = [makeNode('Identity', [y], ['y']), makeNode('Identity', [gradients.get('h')!], ['g'])];
  const session = await openModel(
    model(
      {
        nodes: [...b.nodes, ...outputs],
        inputs: [value('h', [h.length])],
        outputs: [{ name: 'y' }, { name: 'g' }],
        initializers: b.initializers,
      },
      { opset: 21, irVersion: 10 },
    ),
    { threads: 1 },
  );
  const out = await session.run({ h: { dtype: 'float32', dims: [h.length], data: Float32Array.from(h) } });
  await session.release();
  const share = (v: number) => 1 - Math.abs(2 * v - 1) ** POWER;
  expect((out.y.data as Float32Array)[0]).toBeCloseTo(
    h.reduce((sum, v) => sum + share(v), 0),
    5,
  );
  h.forEach((v, i) => {
    const slope = (share(v + STEP) - share(v - STEP)) / (2 * STEP);
    expect((out.g.data as Float32Array)[i]).toBeCloseTo(slope, 2);
  });
});
