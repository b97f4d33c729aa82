import { describe, expect, it } from 'vitest';
import { blockShape, scaleCount } from '../../kernels/blocks.js';
import { format } from '../../kernels/formats.js';
import { weightGrid } from '../../kernels/grid.js';
import { halfQuadratic } from '../../kernels/half-quadratic.js';
import { createKernels } from '../../kernels/wasm.js';
import { seeded } from '../prepare/helpers.js';

const kernels = createKernels(1 << 16);
const int4 = format('int4');

describe('half-quadratic quantization', () => {
  it('splits errors into outliers and a rest by powers of ¾', () => {
    // 23 steps clipped to 7: u = 16, |u|^¾ = 8, the outlier 16 − ½·share. Nothing else errs but 0.25 at the third.
    const values = Float32Array.of(46, 6, 2 * 2.25, 0);
    const sums = kernels.shrinkSums(values, { scale: 2, low: -8, high: 7 }, 1);
    expect(sums.norm).toBeCloseTo(8 + 0.25 ** 0.75, 6);
    expect(sums.product).toBeCloseTo(7 * (23 - 15.5) + 3 * 3 + 2 * 2.25, 6);
    expect(sums.power).toBe(49 + 9 + 4);
  });

  it('finds the grid that values lie on, from one on which they round to the same codes', () => {
    const values = Float32Array.from({ length: 16 }, (_, i) => 0.3 * (i - 8));
    const start = { scales: Float32Array.of(0.31), zeroPoints: Int32Array.of(0) };
    const { scales } = halfQuadratic(kernels, values, blockShape([16]), int4, start);
    // Sums of float32 quotients
    expect(scales[0] / 0.3).toBeCloseTo(1, 6);
  });

  it.each([
    ['blocks along the last axis', [6, 40], 1, 16],
    ['blocks along the first', [40, 6], 0, 16],
    ['channels', [5, 33], 0, undefined],
    ['a tensor larger than a piece of the kernel', [3, 9000], undefined, undefined],
  ] as const)('leaves no group of %s with more error of its kind', (_, dims, axis, block) => {
    const shape = blockShape(dims, axis, block);
    const next = seeded(7);
    const values = Float32Array.from({ length: dims[0] * dims[1] }, () => (next() + next() + next()) ** 3);
    for (const symmetric of [true, false]) {
      const [before, after] = (['mse', 'hqq'] as const).map((clip) => {
        const params = weightGrid(kernels, values, shape, 'int4', { symmetric, clip });
        const rounded = kernels.fakeQuantize(values, shape, params, int4);
        const powers = rounded.map((r, i) => Math.abs(r - values[i]) ** 0.375);
        return kernels.groupErrors(powers, new Float32Array(values.length), shape);
      });
      expect(before).toHaveLength(scaleCount(shape));
      before.forEach((error, g) => {
        expect(after[g]).toBeLessThanOrEqual(error * (1 + 1e-5));
      });
      expect([...after]).not.toEqual([...before]);
    }
  });

  it('leaves zeros and other formats as the smallest squared error has them', () => {
    const zeros = new Float32Array(8);
    for (const [id, values] of [
      ['int4', zeros],
      ['nf4', Float32Array.from({ length: 8 }, (_, i) => i - 3.3)],
    ] as const) {
      const [mse, hqq] = (['mse', 'hqq'] as const).map((clip) =>
        weightGrid(kernels, values, blockShape([8]), id, { clip }),
      );
      expect(hqq).toEqual(mse);
    }
  });
});
