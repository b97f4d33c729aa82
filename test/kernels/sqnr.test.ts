import { beforeAll, describe, expect, test } from 'vitest';
import { blockShape, scaleCount } from '../../kernels/blocks.js';
import { elementOf, type GridOptions, weightGrid } from '../../kernels/grid.js';
import { groupExtremes } from '../../kernels/params.js';
import { uniform } from '../../kernels/random.js';
import { createKernels } from '../../kernels/wasm.js';
import { normals } from './values.js';

/**
 * Signal-to-noise ratios of the formats on 262,144 samples of three distributions, against figures that NumPy reached
 * independently on samples of its own. Formats with one scale for all depend on the largest sample, so the seeds are
 * ones whose extremes are as far out as those (INT8 by min-max shows it). Tolerance 0.15 dB: block formats vary by 0.05
 * from sample to sample, and the figures have one decimal.
 */
const N = 262_144;
const TOLERANCE = 0.15;
const kernels = createKernels(1 << 20);

function laplace(seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: N }, () => {
    const u = next() - 0.5;
    return -Math.sign(u) * Math.log(1 - 2 * Math.abs(u));
  });
}

/** Student’s t with five degrees of freedom: a normal number over the root of the mean of five squares. */
function student(seed: number): Float32Array {
  const z = normals(6 * N, seed);
  return Float32Array.from({ length: N }, (_, i) => {
    const squares = z.subarray(6 * i, 6 * i + 5).reduce((sum, v) => sum + v * v, 0);
    return z[6 * i + 5] / Math.sqrt(squares / 5);
  });
}

let samples: Float32Array[];
beforeAll(() => {
  samples = [normals(N, 9), laplace(39), student(30)];
});

function sqnr(x: Float32Array, id: string, block?: number, options?: GridOptions): number {
  const shape = blockShape([N], block ? 0 : undefined, block);
  const grid = weightGrid(kernels, x, shape, id, options);
  const sums = kernels.errorSums(x, kernels.fakeQuantize(x, shape, grid, elementOf(id)));
  return 10 * Math.log10(sums.xx / sums.dd);
}

/** Format, block, options, and the ratios on normal, Laplace and Student’s t samples; absent ones were not measured. */
const TABLE: [string, number | undefined, GridOptions, number[]][] = [
  ['int8', undefined, {}, [39.5, 33.4, 29.4]],
  ['fp8', undefined, {}, [31.6, 31.5, 31.6]],
  ['fp8e5m2', undefined, {}, [25.6]],
  ['mxint8', 32, { scaleRule: 'floor' }, [41.6, 40.1, 40.0]],
  ['mxfp8', 32, { scaleRule: 'floor' }, [30.7, 30.1, 30.1]],
  ['mxfp8', 32, { scaleRule: 'ceil' }, [31.5]],
  ['mxfp6', 32, { scaleRule: 'floor' }, [30.9, 30.3, 30.3]],
  ['mxfp6e3m2', 32, { scaleRule: 'floor' }, [25.3]],
  ['int4', 32, {}, [20.3, 18.4, 18.3]],
  ['uint4', 32, { symmetric: false }, [21.9, 20.5, 20.6]],
  ['int4', 32, { clip: 'mse' }, [21.3, 19.3, 19.2]],
  ['int4', 128, {}, [18.6, 15.9, 15.3]],
  ['nf4', 64, {}, [20.7, 19.7, 19.6]],
  ['fp4', 32, {}, [19.9, 19.8, 19.8]],
  ['mxfp4', 32, { scaleRule: 'floor' }, [18.8, 18.0, 18.0]],
  ['mxfp4', 32, { scaleRule: 'ceil' }, [18.7, 17.6, 17.6]],
  ['mxfp4', 32, { scaleRule: 'best' }, [19.1, 18.3, 18.3]],
  ['nvfp4', 16, { scaleRule: 'max' }, [20.4, 20.7, 20.7]],
  ['nvfp4', 16, { scaleRule: 'fourOverSix' }, [21.2, 21.2, 21.2]],
  ['log4', undefined, {}, [13.8]],
  ['bf16', undefined, {}, [55.6]],
  ['lut4', undefined, {}, [20.2, 18.1]],
];

describe('signal-to-noise ratios', () => {
  test.each(TABLE)('%s in blocks of %s, %j: %j dB', (id, block, options, wanted) => {
    wanted.forEach((decibels, i) => {
      expect(Math.abs(sqnr(samples[i], id, block, options) - decibels)).toBeLessThan(TOLERANCE);
    });
  });

  test('the optimal table on heavy tails is at least what Lloyd’s algorithm reached, 16.9 dB', () =>
    expect(sqnr(samples[2], 'lut4')).toBeGreaterThan(16.9 - TOLERANCE));

  /** Scales of either sign let the largest value of a block take the code −8: 21.3, 19.4, 19.4 dB. */
  test('int4 with signed scales, the largest value at −8', () => {
    const shape = blockShape([N], 0, 32);
    [21.3, 19.4, 19.4].forEach((decibels, i) => {
      const x = samples[i];
      const { min, max } = groupExtremes(x, shape);
      const scales = max.map((high, k) => (high >= -min[k] ? high : min[k]) / -8);
      const grid = { scales, zeroPoints: new Int32Array(scaleCount(shape)) };
      const sums = kernels.errorSums(x, kernels.fakeQuantize(x, shape, grid, elementOf('int4')));
      expect(Math.abs(10 * Math.log10(sums.xx / sums.dd) - decibels)).toBeLessThan(TOLERANCE);
    });
  });
});
