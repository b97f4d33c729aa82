import { expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import type { TensorValue } from '../../src/runtime/types.js';
import { openTrainer, type Problem } from '../../src/train/index.js';
import { model, random, seeded, value } from '../prepare/helpers.js';

const [ROWS, INPUTS, OUTPUTS] = [32, 6, 3];

const problem = (optimiser: 'adam' | 'sgd', nodes = [makeNode('Gemm', ['x', 'w', 'b'], ['y'])]): Problem => ({
  model: model(
    {
      nodes,
      inputs: [value('x', [ROWS, INPUTS])],
      outputs: [value('y', [ROWS, OUTPUTS])],
      initializers: [random('w', [INPUTS, OUTPUTS], 1), random('b', [OUTPUTS], 2)],
    },
    { opset: 21, irVersion: 10 },
  ),
  dims: new Map(['x', 'y', 'h'].map((name) => [name, [ROWS, name === 'y' ? OUTPUTS : INPUTS]])),
  terms: [{ value: 'y', target: 't', kind: 'mse', weight: 1 }],
  settings: { optimiser, learnScales: true, clip: 0, annealing: false },
});

/** What a linear map makes of random inputs. */
function batch(): Record<string, TensorValue> {
  const next = seeded(4);
  const x = Float32Array.from({ length: ROWS * INPUTS }, next);
  const map = Float32Array.from({ length: INPUTS * OUTPUTS }, next);
  const t = Float32Array.from({ length: ROWS * OUTPUTS }, (_, at) => {
    const [row, column] = [Math.floor(at / OUTPUTS), at % OUTPUTS];
    return map.reduce(
      (sum, w, i) => (i % OUTPUTS === column ? sum + w * x[row * INPUTS + Math.floor(i / OUTPUTS)] : sum),
      0,
    );
  });
  return {
    x: { dtype: 'float32', dims: [ROWS, INPUTS], data: x },
    t: { dtype: 'float32', dims: [ROWS, OUTPUTS], data: t },
  };
}

it.each([
  ['adam', 0.03],
  ['sgd', 0.1],
] as const)('%s finds a linear map', async (optimiser, rate) => {
  const trainer = await openTrainer(problem(optimiser), 1);
  const losses: number[] = [];
  for (let step = 1; step <= 300; step++)
    losses.push((await trainer.step(batch(), { step, rate, scaleRate: 0, share: 1 })).loss);
  await trainer.release();
  expect(losses.at(-1)!).toBeLessThan(1e-3 * losses[0]);
  expect(trainer.frozen).toEqual([]);
});

it('names what no gradient reaches, and why', async () => {
  const nodes = [
    makeNode('Add', ['x', 'k'], ['s']),
    makeNode('Round', ['s'], ['h']),
    makeNode('Gemm', ['h', 'w', 'b'], ['y']),
  ];
  const cut = problem('adam', nodes);
  cut.model.graph.initializers.push(random('k', [INPUTS], 3));
  const trainer = await openTrainer({ ...cut, dims: new Map([...cut.dims, ['s', [ROWS, INPUTS]]]) }, 1);
  await trainer.release();
  expect(trainer.frozen).toEqual(['k']);
  expect(trainer.cuts.map((c) => c.reason)).toEqual(['Round has no gradient here']);
});
