import { describe, expect, it } from 'vitest';
import { format, type NumberFormat } from '../../kernels/formats.js';
import { fakeQuantize } from '../../kernels/quantize.js';
import { cloneModel, makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { upgradeOpset } from '../../src/prepare/opset/index.js';
import { openModel } from '../../src/runtime/index.js';
import { addSums, emptySums, sqnrDb } from '../../src/verify/errorsums.js';
import { conv, network } from '../plan/cases.js';
import { random, seeded } from '../prepare/helpers.js';
import { emitted, source } from './emitted.js';

const IMAGE = { x: [1, 4, 6, 6] };

/** Convolutions, a product with a bias, transposed or not, and one without. */
const net = (opset: number): Model =>
  upgradeOpset(
    network({
      nodes: [
        conv('x', 'w1', 'c1', 'b1'),
        makeNode('Relu', ['c1'], ['r']),
        conv('r', 'w2', 'c2'),
        makeNode('Flatten', ['c2'], ['f']),
        makeNode('Gemm', ['f', 'g', 'h'], ['p'], [makeAttribute.int('transB', 1)]),
        makeNode('Gemm', ['p', 'k', 'h'], ['q']),
        makeNode('MatMul', ['q', 'm'], ['y']),
      ],
      initializers: [
        random('g', [12, 144], 1),
        random('h', [12], 2),
        random('k', [12, 12], 3),
        random('m', [12, 5], 4),
      ],
      outputs: ['y'],
    }),
    opset,
  ).model;

async function run(model: Model, names: string[], options = {}): Promise<Float32Array[]> {
  const copy = cloneModel(model);
  copy.graph.outputs = names.map((name) => ({ name }));
  const session = await openModel(copy, options);
  const next = seeded(5);
  const data = Float32Array.from({ length: 144 }, () => next() + next());
  const result = await session.run({ x: { dtype: 'float32', dims: IMAGE.x, data } });
  await session.release();
  return names.map((name) => result[name].data as Float32Array);
}

const decibels = (x: Float32Array, y: Float32Array) => {
  const sums = emptySums();
  addSums(sums, x, y);
  return sqnrDb(sums) ?? Number.POSITIVE_INFINITY;
};

/** Fewer values say too little of a mean. */
const ENOUGH = 100;

/**
 * Rounding to steps d makes an error that is uniform in ±d/2: d²/12 on average, with variance d⁴/180 of its square. The sum
 * of the squares lies within five standard deviations of that, of values between the ends of the grid other than 0. A tensor
 * behind a reshaping lies on its grid already.
 */
function expectNoiseOf(x: Float32Array, view: Float32Array, scale: number, row: NumberFormat): void {
  const { mantissaBits, bias } = row.layout ?? { mantissaBits: 0, bias: 0 };
  const stepAt = (u: number) =>
    row.layout ? 2 ** (Math.max(Math.floor(Math.log2(Math.abs(u))), 1 - bias) - mantissaBits) : 1;
  const [low, high] = [Math.min(...view), Math.max(...view)];
  let [count, error, mean, variance] = [0, 0, 0, 0];
  x.forEach((value, i) => {
    if (value === 0 || value <= low || value >= high) return;
    const step = scale * stepAt(value / scale);
    count++;
    error += (value - view[i]) ** 2;
    mean += step ** 2 / 12;
    variance += step ** 4 / 180;
  });
  const moved = x.some((value, i) => value !== view[i]);
  if (count < ENOUGH || !moved) return;
  expect(Math.abs(error - mean)).toBeLessThan(5 * Math.sqrt(variance));
}

/** What onnxruntime has no general kernel for. */
describe('constants that are no matrix', () => {
  const product = (dims: number[]) =>
    upgradeOpset(
      network({
        inputs: { x: [2, 3, 16] },
        nodes: [makeNode('MatMul', ['x', 'v'], ['y'])],
        initializers: [random('v', dims, 3)],
        outputs: ['y'],
      }),
      21,
    ).model;
  it.each([
    ['int8-perchannel', [2, 16, 6]],
    ['uint8-perchannel', [2, 16, 6]],
    ['int4-a8-perchannel', [2, 16, 6]],
    ['int4-block32', [16]],
    ['int8-float-block4', [16]],
    ['fp8-float-block32', [16]],
  ])('%s of %j runs', async (scheme, dims) => {
    const float = product(dims);
    const samples = source({ x: [2, 3, 16] });
    const { model } = await emitted(float, samples, { scheme });
    const decibelsOf = async (options: object) => {
      const [a, b] = [await openModel(float), await openModel(model, options)];
      const sums = emptySums();
      for await (const { feeds } of samples.samples())
        addSums(
          sums,
          (await a.run(feeds)).y.data as Float32Array,
          (await b.run(feeds)).y.data as Float32Array,
        );
      await Promise.all([a.release(), b.release()]);
      return sqnrDb(sums)!;
    };
    // 4 bits of 16 values: a seventh of the largest is a step, and its twelfth part of noise is some 17 dB down.
    expect(await decibelsOf({ optimize: 'disabled' })).toBeGreaterThan(14);
    expect(await decibelsOf({})).toBeGreaterThan(14);
  });
});

describe('activations on their grids', () => {
  it.each([
    ['int8-perchannel', 21, 30],
    ['int8-int8-perlayer', 21, 26],
    ['int8-a16-perchannel', 21, 33],
    ['int8-int16-perlayer', 21, 30],
    ['int4-a8-perchannel', 21, 12],
    ['fp8-fp8-perchannel', 21, 17],
    ['fp8e5m2-a8-perlayer', 21, 9],
    ['nvfp4-fp8', 21, 8],
    ['lut4-a8-perchannel', 21, 12],
  ])('%s: bit for bit the kernels’', async (scheme, opset, least) => {
    const float = net(opset);
    const { plan, model } = await emitted(float, source(IMAGE), { scheme });
    expect(plan.activations.length).toBeGreaterThan(4);
    const plain = { optimize: 'disabled' };
    for (const { tensor, format: id, scale, zeroPoint } of plan.activations) {
      const [x, view] = await run(model, [tensor, `${tensor}_dequantized`], plain);
      const shape = { outer: 1, channels: 1, inner: x.length };
      const params = { scales: Float32Array.of(scale), zeroPoints: Int32Array.of(zeroPoint) };
      expect(view).toEqual(fakeQuantize(x, shape, params, format(id)));
      expectNoiseOf(x, view, scale, format(id));
    }
    const [[want], [got], [optimised]] = [
      await run(float, ['y']),
      await run(model, ['y'], plain),
      await run(model, ['y']),
    ];
    // The sum over five layers, a little below what was measured: a guard. A wrong scale or zero point gives less than 3 dB.
    expect(decibels(want, got)).toBeGreaterThan(least);
    expect(decibels(want, optimised)).toBeGreaterThan(least);
  });
});

describe('ranges found at run time', () => {
  it.each(['int8-dynamic-perchannel', 'int8-dynamic-perlayer', 'uint8-dynamic-perchannel'])(
    '%s',
    async (scheme) => {
      const float = net(13);
      const { plan, model } = await emitted(float, source(IMAGE), { scheme });
      expect(plan.dynamic.map((d) => d.opType)).toEqual(['Conv', 'Conv', 'Gemm', 'Gemm', 'MatMul']);
      const ops = model.graph.nodes.map((n) => n.opType);
      expect(ops.filter((op) => /^(Conv|Gemm|MatMul)$/.test(op))).toEqual([]);
      expect(ops.filter((op) => op === 'DynamicQuantizeLinear')).toHaveLength(5);
      const [[want], [got], [optimised]] = [
        await run(float, ['y']),
        await run(model, ['y'], { optimize: 'disabled' }),
        await run(model, ['y']),
      ];
      expect(decibels(want, got)).toBeGreaterThan(28);
      expect(decibels(got, optimised)).toBeGreaterThan(60);
    },
  );

  it('two products of one activation share its codes', async () => {
    const twice = network({
      nodes: [conv('x', 'w1', 'a', 'b1'), conv('x', 'w2', 'b'), makeNode('Add', ['a', 'b'], ['y'])],
      outputs: ['y'],
    });
    const { model } = await emitted(twice, source(IMAGE), { scheme: 'int8-dynamic-perchannel' });
    const ops = model.graph.nodes.map((n) => n.opType);
    expect(ops.filter((op) => op === 'DynamicQuantizeLinear')).toHaveLength(1);
    const [[want], [got]] = [await run(twice, ['y']), await run(model, ['y'])];
    expect(decibels(want, got)).toBeGreaterThan(35);
  });
});
