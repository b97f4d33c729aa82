import { expect, it } from 'vitest';
import { dtypeNumber } from '../../src/ir/dtypes.js';
import { makeNode, nameAllocator } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import type { TensorValue } from '../../src/runtime/types.js';
import { Builder } from '../../src/train/builder.js';
import { openTrainer } from '../../src/train/index.js';
import { roundAtRandom } from '../../src/train/masters.js';
import { model, value } from '../prepare/helpers.js';

/** Rounds values with each draw in turn. */
async function rounded(values: Float32Array, draws: readonly number[]): Promise<Float32Array[]> {
  const b = new Builder(nameAllocator(new Set(['x', 'draw'])));
  const y = roundAtRandom(b, 'x', values.length, 'draw');
  const session = await openModel(
    model(
      {
        nodes: [...b.nodes, makeNode('Identity', [y], ['y'])],
        inputs: [
          value('x', [values.length]),
          { name: 'draw', type: { tensor: { elemType: dtypeNumber('uint32'), shape: { dims: [] } } } },
        ],
        outputs: [{ name: 'y' }],
        initializers: b.initializers,
      },
      { opset: 21, irVersion: 10 },
    ),
    { threads: 1 },
  );
  const results: Float32Array[] = [];
  for (const draw of draws) {
    const out = await session.run({
      x: { dtype: 'float32', dims: [values.length], data: values },
      draw: { dtype: 'uint32', dims: [], data: Uint32Array.of(draw) },
    });
    results.push(Float32Array.from(out.y.data as Float32Array));
  }
  await session.release();
  return results;
}

/** bfloat16 is the upper half of a float32. */
const isBfloat16 = (x: number) => (new Uint32Array(Float32Array.of(x).buffer)[0] & 0xffff) === 0;

it('values of bfloat16 stay, powers of two, the largest below them, signs and zeros among them', async () => {
  const kept = [0, 1, -1, 2, 0.5, 1.9921875, -0.99609375, 3.140625, 2 ** -60, -(2 ** 90), 0.10009765625];
  expect(kept.every(isBfloat16)).toBe(true);
  for (const result of await rounded(Float32Array.from(kept), [1, 2, 3])) expect([...result]).toEqual(kept);
});

it('others become one of their two neighbours, in the mean themselves, the same for the same draw', async () => {
  const [count, draws] = [4096, [7, 8, 9, 10]];
  // Between two steps of 2⁻⁷ above 1, of 2⁻⁸ below it, and of 2⁻⁶ above −2, at known shares of them.
  for (const [at, low, step] of [
    [1 + 0.3 * 2 ** -7, 1, 2 ** -7],
    [1 - 0.9 * 2 ** -8, 1 - 2 ** -8, 2 ** -8],
    [-2 - 0.25 * 2 ** -6, -2 - 2 ** -6, 2 ** -6],
  ]) {
    const values = new Float32Array(count).fill(at);
    const results = await rounded(values, [...draws, draws[0]]);
    expect(new Set(results.flatMap((r) => [...r]))).toEqual(new Set([low, low + step]));
    const all = results.slice(0, draws.length).flatMap((r) => [...r]);
    const mean = all.reduce((sum, v) => sum + (v - at), 0) / all.length;
    // Each is off by half a step at most, so the mean of n has a standard deviation below step / (2√n); five of them.
    expect(Math.abs(mean)).toBeLessThan((5 * step) / (2 * Math.sqrt(all.length)));
    expect(results.at(-1)).toEqual(results[0]);
    expect(results[1]).not.toEqual(results[0]);
  }
});

it('keeps what steps far below the grid add up to, where rounding to the nearest loses all of it', async () => {
  const [COUNT, STEPS, RATE, GRID] = [1024, 64, 2 ** -13, 2 ** -8];
  const row = (fill: number) => new Float32Array(COUNT).fill(fill);
  const trainer = await openTrainer(
    {
      model: model(
        {
          nodes: [makeNode('Mul', ['x', 'w'], ['y'])],
          inputs: [value('x', [1, COUNT])],
          outputs: [value('y', [1, COUNT])],
          initializers: [floatTensor('w', [1, COUNT], row(1))],
        },
        { opset: 21, irVersion: 10 },
      ),
      dims: new Map(['x', 'y'].map((name) => [name, [1, COUNT]])),
      terms: [{ value: 'y', target: 't', kind: 'mse', weight: 1 }],
      settings: { optimiser: 'adam', learnScales: false, clip: 0, annealing: false, masters: 'bf16' },
    },
    1,
  );
  const constant = (fill: number): TensorValue => ({ dtype: 'float32', dims: [1, COUNT], data: row(fill) });
  const batch = { x: constant(1), t: constant(0) };
  for (let step = 1; step <= STEPS; step++)
    await trainer.step(batch, { step, rate: RATE, scaleRate: 0, share: 1, draw: step });
  await trainer.release();
  const weights = [...trainer.state.weights.value];
  expect(weights.every(isBfloat16)).toBe(true);
  // Adam's steps are RATE each. A weight falls by a whole step of the grid with probability RATE/GRID: the variance of the
  // mean is STEPS·(RATE/GRID)·GRID²/COUNT at most, of which five standard deviations.
  const fallen = 1 - weights.reduce((sum, w) => sum + w, 0) / COUNT;
  expect(Math.abs(fallen - STEPS * RATE)).toBeLessThan(5 * Math.sqrt((STEPS * RATE * GRID) / COUNT));
});
