import { describe, expect, it } from 'vitest';
import { activationsOn, parseScheme, SCHEMES } from '../../src/plan/index.js';
import type { Plan } from '../../src/plan/types.js';
import { everyWeight, outputs, simulated, target, written } from './written.js';

const bitsOf = (values: Float32Array[]) => values.map((v) => Array.from(new Int32Array(v.slice().buffer)));

const weightOnly = SCHEMES.map((s) => s.id)
  .concat('lut2-perchannel', 'lut3-block16', 'int8-block32', 'fp8-block32', 'uint4-float-perchannel')
  .filter((id) => activationsOn(parseScheme(id), target) === 'none');

/** Relative difference that other orders of the same float32 sums make. */
const SUMMING = 1e-4;

describe('weight-only schemes, bit for bit what the format means', () => {
  it.each(weightOnly)('%s', async (name) => {
    const { prepared, numbers, model } = await written(everyWeight(), name);
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
  const { plan } = await written(everyWeight(), 'int4-block16');
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
    const { prepared, numbers, model, plan } = await written(everyWeight(), name, {
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
