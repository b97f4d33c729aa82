import { describe, expect, it } from 'vitest';
import { elementOf } from '../../kernels/grid.js';
import { dequantize } from '../../kernels/quantize.js';
import { cloneModel, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { makePlan } from '../../src/plan/index.js';
import type { Plan } from '../../src/plan/types.js';
import { quantizeNumbers, type RoundedWeights, roundWeights, weightKey } from '../../src/quantize/index.js';
import { openModel } from '../../src/runtime/index.js';
import { source } from '../emit/emitted.js';
import { input } from '../plan/cases.js';
import { model, random, value } from '../prepare/helpers.js';

const LAYERS = ['w0', 'w1', 'w2'];

/** Three fully connected layers with ReLUs between. */
const network = model(
  {
    nodes: LAYERS.flatMap((w, i) => [
      makeNode('MatMul', [i ? `r${i - 1}` : 'x', w], [`y${i}`], [], { name: `n${i}` }),
      makeNode('Relu', [`y${i}`], [`r${i}`], [], { name: `a${i}` }),
    ]),
    inputs: [value('x', [16, 24])],
    outputs: [value('r2', undefined)],
    initializers: LAYERS.map((w, i) => random(w, [24, 24], i + 5)),
  },
  { opset: 21 },
);
const samples = source({ x: [16, 24] }, 8, 0.5);

const withValues = (rounded: RoundedWeights, plan: Plan): Model => {
  const copy = cloneModel(network);
  copy.graph.initializers = copy.graph.initializers.map((t) => {
    const found = rounded.get(weightKey(plan.weights.find((w) => w.tensor === t.name)!));
    return found ? floatTensor(t.name!, t.dims, found.values) : t;
  });
  return copy;
};

async function error(quantized: Model): Promise<number> {
  const [a, b] = [await openModel(network), await openModel(quantized)];
  let sum = 0;
  for await (const { feeds } of samples.samples()) {
    const [x, y] = [(await a.run(feeds)).r2.data, (await b.run(feeds)).r2.data] as Float32Array[];
    x.forEach((v, i) => {
      sum += (v - y[i]) ** 2;
    });
  }
  await Promise.all([a.release(), b.release()]);
  return sum;
}

async function planFor(scheme: string) {
  const given = await input(network, { scheme });
  return { types: given.types, plan: makePlan(given, undefined, 'minmax', 'test') };
}

describe('weights rounded by second moments', () => {
  it.each([
    'int4-float-block8',
    'uint4-float-perchannel',
    'int3-float-perlayer',
    'fp4-float-block8',
    'nvfp4',
    'int2-float-block8',
  ])('%s: no layer errs more than rounded to nearest, and the outputs err less in turn', async (scheme) => {
    const { plan, types } = await planFor(scheme);
    const atOnce = await roundWeights(network, plan.weights, types, samples);
    expect(atOnce.size).toBe(LAYERS.length);
    for (const { objective, nearest } of atOnce.values()) expect(objective).toBeLessThan(nearest);
    const inTurn = await roundWeights(network, plan.weights, types, samples, {
      soFar: (rounded) => withValues(rounded, plan),
    });
    expect(await error(withValues(inTurn, plan))).toBeLessThan(
      1.02 * (await error(withValues(atOnce, plan))),
    );
  });

  it('gives the same in several passes, when the memory asks for them', async () => {
    const { plan, types } = await planFor('int4-float-block8');
    const [one, many] = [
      await roundWeights(network, plan.weights, types, samples),
      await roundWeights(network, plan.weights, types, samples, { memory: 1 }),
    ];
    expect([...many.values()].map((w) => w.values)).toEqual([...one.values()].map((w) => w.values));
  });

  it.each(['lut2-perlayer', 'lut3-perchannel', 'lut2-block8'])(
    '%s: tables count inputs by their second moments, and values are rounded together',
    async (scheme) => {
      const { plan, types } = await planFor(scheme);
      const rounded = await roundWeights(network, plan.weights, types, samples);
      expect(rounded.size).toBe(LAYERS.length);
      for (const { objective, nearest } of rounded.values()) expect(objective).toBeLessThanOrEqual(nearest);
      const plain = quantizeNumbers(network, plan).numbers.weights;
      const together = quantizeNumbers(network, plan, undefined, rounded).numbers.weights;
      const means = (weights: typeof plain): RoundedWeights =>
        new Map(
          weights.map(({ plan: p, codes, shape, params }) => {
            const values = dequantize(codes, shape, params, elementOf(p.format));
            return [weightKey(p), { values, params, objective: 0, nearest: 0 }];
          }),
        );
      expect(await error(withValues(means(together), plan))).toBeLessThan(
        0.8 * (await error(withValues(means(plain), plan))),
      );
    },
  );

  it.each([
    ['int8-float-perchannel', '2:4', 0.5],
    ['int4-float-block8', '2:4', 0.5],
    ['lut4-perlayer', '2:4', 0.5],
    ['fp16', '2:4', 0.5],
    ['int8-float-perchannel', 0.25, 0.75],
  ] as const)(
    '%s, sparse %s: zeros are chosen and made up for by what they cost',
    async (scheme, sparsity, share) => {
      const given = await input(network, { scheme });
      const plan = makePlan({ ...given, writing: { sparsity } }, undefined, 'minmax', 'test');
      const rounded = await roundWeights(network, plan.weights, given.types, samples);
      for (const { objective, nearest, mask, values } of rounded.values()) {
        expect(objective).toBeLessThan(0.8 * nearest);
        expect(mask!.filter((kept) => kept).length / mask!.length).toBeCloseTo(share, 2);
        expect(values.every((x, i) => mask![i] === 1 || x === 0)).toBe(true);
      }
      // Fours of a matrix [in, out] run down its columns.
      const { mask, plan: written } = quantizeNumbers(network, plan, undefined, rounded).numbers.weights[0];
      expect(written.sparsity?.axis).toBe(0);
      if (sparsity === '2:4')
        for (let i = 0; i < 24; i++)
          expect([0, 1, 2, 3].reduce((sum, k) => sum + mask![24 * k + i], 0)).toBe(2);
    },
  );
});
