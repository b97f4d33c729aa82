import { describe, expect, it } from 'vitest';
import { emitQdq } from '../../src/emit/index.js';
import { cloneModel, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor, floatValues } from '../../src/ir/tensor.js';
import { draftPlan } from '../../src/plan/index.js';
import { actionFor, localErrors, measureTrials, scaled, type Trial } from '../../src/sensitivity/index.js';
import { segmentsOf } from '../../src/sensitivity/segments.js';
import { verify } from '../../src/verify/index.js';
import { source } from '../emit/emitted.js';
import { input } from '../plan/cases.js';
import { model, random, value } from '../prepare/helpers.js';

const LAYERS = ['w0', 'w1', 'w2', 'w3'];

/** Four fully connected layers, ReLUs between, and a residual sum around the third. */
const network = model(
  {
    nodes: [
      makeNode('MatMul', ['x', 'w0'], ['y0'], [], { name: 'n0' }),
      makeNode('Relu', ['y0'], ['r0'], [], { name: 'a0' }),
      makeNode('MatMul', ['r0', 'w1'], ['y1'], [], { name: 'n1' }),
      makeNode('Relu', ['y1'], ['r1'], [], { name: 'a1' }),
      makeNode('MatMul', ['r1', 'w2'], ['y2'], [], { name: 'n2' }),
      makeNode('Add', ['y2', 'r1'], ['s2'], [], { name: 'a2' }),
      makeNode('MatMul', ['s2', 'w3'], ['y3'], [], { name: 'n3' }),
    ],
    inputs: [value('x', [4, 12])],
    outputs: [value('y3', [4, 12])],
    initializers: LAYERS.map((w, i) => random(w, [12, 12], i + 5)),
  },
  { opset: 21 },
);
const samples = source({ x: [4, 12] }, 6, 0.3);
const options = { limit: 6, work: () => 1 };

const given = await input(network);
const drafted = draftPlan(given, 'test');
const plan = {
  ...drafted,
  activations: drafted.activations.map((a) => ({ ...a, scale: 0.05, zeroPoint: 100 })),
};
const rounded = emitQdq(network, { ...plan, weights: [], biases: [] }, { weights: [], biases: [] });
const weightOf = (tensor: string) => plan.weights.find((w) => w.tensor === tensor)!;

/** To multiples of 1/4. */
const coarse = (tensor: string): Float32Array =>
  floatValues(network.graph.initializers.find((t) => t.name === tensor)!).map((x) => Math.round(4 * x) / 4);

function withWeight(tensor: string, m: Model = network): Model {
  const copy = cloneModel(m);
  copy.graph.initializers = copy.graph.initializers.map((t) =>
    t.name === tensor ? floatTensor(tensor, t.dims, coarse(tensor)) : t,
  );
  return copy;
}

const measure = async (trials: Trial[]) =>
  (await measureTrials(rounded, plan.weights, given.types, samples, trials, options)).damages;

describe('damage of one change', () => {
  it.each([
    ...LAYERS.map((w): [string, Trial, () => Model] => [
      `weight ${w}`,
      { weights: new Map([[weightOf(w), coarse(w)]]) },
      () => withWeight(w),
    ]),
    ...plan.activations.map((a): [string, Trial, () => Model] => [
      `activation ${a.tensor}`,
      { activations: [a.tensor] },
      () =>
        emitQdq(network, { ...plan, activations: [a], weights: [], biases: [] }, { weights: [], biases: [] }),
    ]),
    ['all activations', { activations: 'all' }, () => rounded],
    [
      'a weight and all activations',
      { weights: new Map([[weightOf('w2'), coarse('w2')]]), activations: 'all' },
      () => withWeight('w2', rounded),
    ],
  ] as [string, Trial, () => Model][])('%s: what a model with it alone loses', async (_, trial, whole) => {
    const [damage] = await measure([trial]);
    const { outputs } = await verify({
      float: network,
      quantized: whole(),
      source: samples,
      evidence: 'calibration',
    });
    // The same sums in another order.
    expect(damage.sqnrDb).toBeCloseTo(outputs[0].sqnrDb!, 3);
    expect(damage.agreement).toBe(outputs[0].top1Agreement);
    expect(damage.kl).toBeCloseTo(outputs[0].kl!, 4);
  });

  it('is nothing for nothing', async () => {
    const [damage] = await measure([{}]);
    expect(damage).toMatchObject({ sqnrDb: null, noise: 0, kl: 0, agreement: 1 });
  });

  it('with labels says what accuracy is lost', async () => {
    const trials = [{ weights: new Map([[weightOf('w3'), coarse('w3').map((x) => -x)]]) }, {}];
    const labels = Array.from({ length: 24 }, () => 3);
    const { damages } = await measureTrials(rounded, plan.weights, given.types, samples, trials, {
      ...options,
      labels,
    });
    expect(damages[1].top1Drop).toBe(0);
    expect(damages[0].top1Drop).toBeDefined();
  });
});

it('cuts a network where tails read few values, and hands those out', () => {
  const segments = segmentsOf(network, given.types, () => 1, 4);
  expect(segments.map((s) => s.from)).toEqual([0, 2, 4, 6]);
  expect(segments.map((s) => s.crossing)).toEqual([[], ['r0'], ['r1'], ['s2']]);
  expect(segments[0].model.graph.outputs.map((o) => o.name)).toEqual(['y3', 'r0', 'r1', 's2']);
});

it('the error at a layer’s own output: Σ(x·ΔW)² against Σ(x·W)²', async () => {
  const [w] = [weightOf('w0')];
  const values = coarse('w0');
  const [errors] = await localErrors(network, [w], samples, [new Map([[w, values]])], {});
  const weights = floatValues(network.graph.initializers[0]);
  let [signal, noise] = [0, 0];
  for await (const { feeds } of samples.samples((i) => i < 4)) {
    const x = feeds.x.data as Float32Array;
    for (let r = 0; r < 4; r++)
      for (let c = 0; c < 12; c++) {
        let [y, e] = [0, 0];
        for (let k = 0; k < 12; k++) {
          y += x[12 * r + k] * weights[12 * k + c];
          e += x[12 * r + k] * (values[12 * k + c] - weights[12 * k + c]);
        }
        signal += y * y;
        noise += e * e;
      }
  }
  expect(errors.get(w)!.signal / signal).toBeCloseTo(1, 4);
  expect(errors.get(w)!.noise / noise).toBeCloseTo(1, 4);
});

describe('what to do', () => {
  const layer = (noise: number[]) => ({
    candidates: noise.map((n, i) => ({
      candidate: ['int4', 'int8', 'int16'][i],
      bytes: 4 * 2 ** i,
      entropyBits: 4,
      localDb: 30,
      global: { sqnrDb: 0, noise: n },
    })),
  });
  it.each([
    ['fewer bits where they hardly cost', [0.001, 1e-5, 0], 0, 'int4 would do'],
    ['nothing where a layer costs its share', [0.5, 0.02, 0], 0, ''],
    ['more bits where its weights cost much', [5, 0.3, 1e-4], 0, 'weights as int16'],
    ['wider activations where those cost more', [5, 0.3, 1e-4], 0.4, '16-bit activations for what it reads'],
    ['float where no format helps', [5, 0.3, 0.3], 0, 'keep it in float'],
  ])('%s', (_, noise, read, expected) =>
    expect(actionFor({ ...layer(noise), activations: [{ sqnrDb: 0, noise: read }] }, 'int8', 1)).toBe(
      expected,
    ),
  );
  it('damage scales with the noise', () =>
    expect(scaled({ sqnrDb: 20, noise: 0.01, kl: 0.2, agreement: 0.9 }, 0.01)).toEqual({
      sqnrDb: 40,
      noise: 0.0001,
      kl: 0.002,
      estimated: true,
    }));
});
