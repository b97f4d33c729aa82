import { addToHistogram, emptyHistogram } from '../../kernels/histogram.js';
import type { TensorStats } from '../../src/calibrate/types.js';
import { normals } from '../kernels/values.js';

/** Statistics of the finite values of one sample. */
export function statsOf(values: Float32Array): TensorStats {
  const finite = values.filter(Number.isFinite);
  const histogram = emptyHistogram();
  addToHistogram(finite, histogram);
  const min = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const max = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const nan = values.filter(Number.isNaN).length;
  return {
    count: finite.length,
    min,
    max,
    nan,
    inf: values.length - finite.length - nan,
    extremes: [{ index: 0, min, max }],
    ...histogram,
  };
}

const N = 50_000;
const normal = normals(N, 21);
const other = normals(N, 22);

/** Shapes that activations have in practice, and some that they should not. */
export const TENSORS: Record<string, Float32Array> = {
  normal,
  relu: normal.map((x) => Math.max(0, x)),
  relu6: normal.map((x) => Math.min(6, Math.max(0, 4 * x))),
  laplace: normal.map((x, i) => x * Math.abs(other[i])),
  sigmoid: normal.map((x) => 1 / (1 + Math.exp(-3 * x))),
  negative: normal.map((x) => -Math.abs(x)),
  shifted: normal.map((x) => x * 0.2 - 3),
  lopsided: normal.map((x) => (x < 0 ? x * 0.05 : x)),
  'two outliers': normal.map((x, i) => (i === 5 ? 60 : i === 6 ? -45 : x)),
  'huge outlier': normal.map((x, i) => (i === 5 ? 1e6 : x)),
  bimodal: normal.map((x, i) => (i % 2 ? x * 0.01 - 5 : x * 0.5 + 1)),
  sparse: normal.map((x, i) => (i % 20_000 === 7 ? x : 0)),
  tiny: normal.map((x) => x * 1e-30),
  subnormal: normal.map((x) => x * 2 ** -140),
  'largest floats': normal.map((x) => Math.max(-3, Math.min(3, x)) * 1e38),
  'two values': Float32Array.of(-1, 3),
};
