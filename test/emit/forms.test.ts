import { describe, expect, it } from 'vitest';
import { elementOf } from '../../kernels/grid.js';
import { dequantize } from '../../kernels/quantize.js';
import { emitQdq } from '../../src/emit/index.js';
import { allGraphs, cloneModel, makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import {
  activationsOn,
  makePlan,
  parseScheme,
  requiredOpset,
  SCHEMES,
  type Writing,
} from '../../src/plan/index.js';
import type { Plan } from '../../src/plan/types.js';
import { prepare } from '../../src/prepare/index.js';
import { type Numbers, quantizeNumbers } from '../../src/quantize/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { SessionOptions } from '../../src/runtime/types.js';
import { findTarget } from '../../targets/index.js';
import { input, network } from '../plan/cases.js';
import { random, seeded } from '../prepare/helpers.js';

const target = findTarget('cpu')!;

/** Every operator that holds weights, with rows that no block divides. */
const everyWeight = (): Model =>
  network({
    inputs: { x: [1, 5, 6, 6], i: [2] },
    outputs: ['y', 'e'],
    nodes: [
      makeNode('Conv', ['x', 'k'], ['c']),
      makeNode('ConvTranspose', ['c', 't'], ['u']),
      makeNode('Conv', ['u', 'd'], ['v'], [makeAttribute.int('group', 6)]),
      makeNode('Flatten', ['v'], ['f']),
      makeNode('Gemm', ['f', 'g', 'h'], ['p'], [makeAttribute.int('transB', 1)]),
      makeNode('MatMul', ['p', 'm'], ['y']),
      makeNode('Cast', ['i'], ['j'], [makeAttribute.int('to', 7)]),
      makeNode('Gather', ['table', 'j'], ['e']),
    ],
    initializers: [
      random('k', [6, 5, 3, 3], 1),
      random('t', [6, 6, 2, 2], 2),
      random('d', [6, 1, 2, 2], 3),
      random('g', [40, 96], 4),
      random('h', [40], 5),
      random('m', [40, 7], 6),
      random('table', [9, 20], 7),
    ],
  });

async function emitted(model: Model, name: string, writing: Writing = {}) {
  const scheme = parseScheme(name);
  const prepared = await prepare(model, { opset: requiredOpset(scheme, target, writing.encoding) });
  const plan = makePlan(
    { ...(await input(prepared.model, { scheme: name })), writing },
    undefined,
    'minmax',
    '',
  );
  const { numbers } = quantizeNumbers(prepared.model, plan);
  return { prepared: prepared.model, plan, numbers, model: emitQdq(prepared.model, plan, numbers) };
}

/**
 * The float model with each weight replaced by the values that its codes stand for: what the format means. They pass an
 * Identity, because onnxruntime's products of constants run other code, which rounds otherwise.
 */
function simulated(model: Model, numbers: Numbers): Model {
  const copy = cloneModel(model);
  const values = new Map(
    numbers.weights.map(({ plan, dims, codes, shape, params }) => [
      plan.tensor,
      floatTensor(plan.tensor, dims, dequantize(codes, shape, params, elementOf(plan.format))),
    ]),
  );
  for (const graph of allGraphs(copy.graph)) {
    for (const tensor of graph.initializers) {
      const found = values.get(tensor.name ?? '');
      if (!found) continue;
      // TF32 is written as float32 constants itself.
      if (numbers.weights.every((w) => elementOf(w.plan.format).dtype === 'float32')) {
        Object.assign(tensor, found);
        continue;
      }
      graph.nodes.unshift(makeNode('Identity', [`${tensor.name}_rounded`], [tensor.name!]));
      Object.assign(tensor, found, { name: `${tensor.name}_rounded` });
    }
  }
  return copy;
}

async function outputs(model: Model, options: SessionOptions): Promise<Float32Array[]> {
  const session = await openModel(model, options);
  const next = seeded(3);
  const x = { dtype: 'float32' as const, dims: [1, 5, 6, 6], data: Float32Array.from({ length: 180 }, next) };
  const result = await session.run({ x, i: { dtype: 'float32', dims: [2], data: Float32Array.of(8, 3) } });
  await session.release();
  return Object.values(result).map((value) => value.data as Float32Array);
}

const bitsOf = (values: Float32Array[]) => values.map((v) => Array.from(new Int32Array(v.slice().buffer)));

const weightOnly = SCHEMES.map((s) => s.id)
  .concat('lut2-perchannel', 'lut3-block16', 'int8-block32', 'fp8-block32', 'uint4-float-perchannel')
  .filter((id) => activationsOn(parseScheme(id), target) === 'none');

/** Relative difference that other orders of the same float32 sums make. */
const SUMMING = 1e-4;

describe('weight-only schemes, bit for bit what the format means', () => {
  it.each(weightOnly)('%s', async (name) => {
    const { prepared, numbers, model } = await emitted(everyWeight(), name);
    expect(numbers.weights.map((w) => w.plan.tensor).sort()).toEqual(['d', 'g', 'k', 'm', 't', 'table']);
    const meant = simulated(prepared, numbers);
    const plain = { optimize: 'disabled' as const };
    expect(bitsOf(await outputs(model, plain))).toEqual(bitsOf(await outputs(meant, plain)));
    // Optimised: codebooks and casts are folded into constants, and equal still; DequantizeLinear stays a node. Left to
    // itself onnxruntime runs it before a MatMul with 8-bit activations (accuracy level 4), so that is turned off.
    const [got, want] = [await outputs(model, { keepQdq: true }), await outputs(meant, { keepQdq: true })];
    const folded = numbers.weights.every((w) => w.plan.form !== 'linear');
    if (folded) expect(bitsOf(got)).toEqual(bitsOf(want));
    else for (const [i, values] of got.entries()) expectClose(values, want[i], SUMMING);
  });
});

function expectClose(got: Float32Array, want: Float32Array, relative: number): void {
  const largest = want.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  for (const [i, v] of got.entries()) expect(Math.abs(v - want[i])).toBeLessThanOrEqual(relative * largest);
}

const plans = (plan: Plan) => Object.fromEntries(plan.weights.map((w) => [w.tensor, [w.axis, w.view]]));

it('blocks run along what is summed', async () => {
  const { plan } = await emitted(everyWeight(), 'int4-block16');
  expect(plans(plan)).toEqual({
    k: [1, [6, 45]],
    t: [0, undefined],
    d: [1, [6, 4]],
    g: [1, undefined],
    m: [0, undefined],
    table: [1, undefined],
  });
});

it('MatMulNBits takes the place of MatMul and computes the same', async () => {
  for (const name of ['int4-block16', 'uint4-block32', 'int8-block16', 'uint2-block16', 'int2-block16']) {
    const { prepared, numbers, model, plan } = await emitted(everyWeight(), name, {
      weightOnly: 'matmulnbits',
    });
    expect(plan.weights.find((w) => w.tensor === 'm')?.form).toBe('matmulnbits');
    expect(model.graph.nodes.filter((n) => n.opType === 'MatMulNBits').length).toBe(1);
    const options = { optimize: 'disabled' as const };
    const [y, e] = await outputs(model, options);
    const [want, same] = await outputs(simulated(prepared, numbers), options);
    expect(e).toEqual(same);
    // Its sums run in another order: float32 rounding of 40 products.
    for (const [i, v] of y.entries())
      expect(Math.abs(v - want[i])).toBeLessThan(1e-4 * Math.abs(want[i]) + 1e-4);
  }
});
