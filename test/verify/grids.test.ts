import { describe, expect, it } from 'vitest';
import { roundHalfEven } from '../../kernels/rounding.js';
import type { Sample, SampleSource } from '../../src/data/types.js';
import { emitQdq } from '../../src/emit/index.js';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { makePlan } from '../../src/plan/index.js';
import type { ActivationPlan } from '../../src/plan/types.js';
import { judges } from '../../src/verify/grids.js';
import { GridTrial } from '../../src/verify/index.js';
import { input } from '../plan/cases.js';
import { model, value } from '../prepare/helpers.js';

/** Channel 0 holds small values, channel 1 an outlier that the layer behind hardly looks at. */
const X = Float32Array.of(0.3, -0.7, 0.05, 100);
const dims = [1, 2, 1, 2];
const samples: SampleSource = {
  description: 'one',
  kind: 'real',
  count: 1,
  async *samples(): AsyncGenerator<Sample> {
    yield { id: '0', index: 0, feeds: { x: { dtype: 'float32', dims, data: X } } };
  },
};
const grid = (scale: number): ActivationPlan => ({
  ...{ tensor: 'x', format: 'int8', scale, zeroPoint: 0, range: [-1, 1], method: 'minmax', reason: '' },
});
const view = (x: number, { scale }: ActivationPlan) =>
  Math.max(-128, Math.min(127, roundHalfEven(Math.fround(x / scale)))) * scale;
const network = model({
  inputs: [value('x', dims)],
  outputs: [value('y', undefined)],
  initializers: [floatTensor('w', [1, 2, 1, 1], [2, 0.001]), floatTensor('b', [1], [5])],
  nodes: [{ ...makeNode('Conv', ['x', 'w', 'b'], ['y']), name: 'y' }],
});

describe('what grids cost at the outputs', () => {
  it('is the error of the outputs over their power, for the grids given and for others', async () => {
    const plan = {
      ...makePlan(await input(network, { keepFloat: ['y'] }), undefined, 'minmax', 'test'),
      activations: [grid(1)],
      integer: [{ node: 'y', opType: 'Conv', reason: '' }],
    };
    const rounded = emitQdq(network, plan, { weights: [], biases: [] });
    const trial = await GridTrial.open(network, rounded, plan.activations, samples, { looked: 1, kept: 1 });
    const y = (x: readonly number[]) => [0, 1].map((i) => 2 * x[i] + 0.001 * x[2 + i] + 5);
    const float = y([...X]);
    for (const changed of [[], [grid(0.01)]]) {
      const codes = y(Array.from(X, (x) => view(x, changed[0] ?? grid(1))));
      const expected =
        ((codes[0] - float[0]) ** 2 + (codes[1] - float[1]) ** 2) / (float[0] ** 2 + float[1] ** 2);
      // float32 sums of two products
      expect((await trial.noise(changed))[0] / expected).toBeCloseTo(1, 4);
    }
    await trial.release();
  });
});

describe('who judges', () => {
  it('the loudest, and others in place of all the rest', () => {
    const seen = Array.from({ length: 10 }, (_, noise) => ({ noise, weight: 1 }));
    const found = judges(seen, 4);
    expect(found.map(({ noise }) => noise)).toEqual([9, 8, 5, 1]);
    expect(found.reduce((sum, { weight }) => sum + weight, 0)).toBe(seen.length);
    expect(judges(seen.slice(0, 3), 4)).toHaveLength(3);
  });
});
