import { describe, expect, it } from 'vitest';
import { roundHalfEven } from '../../kernels/rounding.js';
import type { Sample, SampleSource } from '../../src/data/types.js';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import type { ActivationPlan } from '../../src/plan/types.js';
import { outputErrors } from '../../src/quantize/index.js';
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

const grid = (scale: number, zeroPoint = 0): ActivationPlan => ({
  ...{ tensor: 'x', format: 'int8', scale, zeroPoint, range: [-1, 1], method: 'minmax', reason: '' },
});
const view = (x: number, { scale }: ActivationPlan) =>
  Math.max(-128, Math.min(127, roundHalfEven(Math.fround(x / scale)))) * scale;
const square = (x: number) => x * x;

const network = (readers: 'conv' | 'none') =>
  model({
    inputs: [value('x', dims)],
    outputs: [value('y', undefined)],
    initializers: [floatTensor('w', [1, 2, 1, 1], [2, 0.001]), floatTensor('b', [1], [5])],
    nodes: [readers === 'conv' ? makeNode('Conv', ['x', 'w', 'b'], ['y']) : makeNode('Relu', ['x'], ['y'])],
  });

describe('what a range costs the readers of a value', () => {
  const [wide, narrow] = [grid(1), grid(0.01)];
  const offers = new Map([['x', [wide, narrow]]]);

  it('is the squared error of their outputs, without their biases', async () => {
    const errors = (await outputErrors(network('conv'), offers, samples)).get('x')!;
    [wide, narrow].forEach((g, i) => {
      const e = Array.from(X, (x) => view(x, g) - x);
      const expected = square(2 * e[0] + 0.001 * e[2]) + square(2 * e[1] + 0.001 * e[3]);
      // float32 sums of two squares
      expect(errors[i]).toBeCloseTo(expected, 4);
    });
    expect(errors[1], 'the layer is better off without the outlier').toBeLessThan(errors[0]);
  });

  it('is the error of the value itself where no layer multiplies it', async () => {
    const errors = (await outputErrors(network('none'), offers, samples)).get('x')!;
    [wide, narrow].forEach((g, i) => {
      const expected = X.reduce((sum, x) => sum + square(view(x, g) - x), 0);
      expect(errors[i] / expected).toBeCloseTo(1, 5);
    });
    expect(errors[1], 'the value itself is not').toBeGreaterThan(errors[0]);
  });
});
