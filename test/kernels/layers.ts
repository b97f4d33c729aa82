import fc from 'fast-check';
import type { LayerGrid } from '../../kernels/lattice.js';
import { normals, uniform } from '../../kernels/random.js';

export const normal = (seed: number): (() => number) => normals(uniform(seed));

/** A·Aᵀ/k + noise·I for an n × k matrix A: positive definite, correlated when k is small. */
export function correlated(n: number, k: number, noise: number, next: () => number): Float64Array {
  const a = Float64Array.from({ length: n * k }, next);
  const h = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = i === j ? noise * k : 0;
      for (let x = 0; x < k; x++) sum += a[i * k + x] * a[j * k + x];
      h[i * n + j] = sum / k;
    }
  return h;
}

/** What a random layer of property tests is made of, but for its columns; `bits` are of its grid. */
export const LAYER = {
  rows: fc.integer({ min: 1, max: 6 }),
  rank: fc.integer({ min: 1, max: 30 }),
  seed: fc.integer({ min: 1, max: 1e9 }),
  bits: fc.integer({ min: 2, max: 8 }),
};

export interface GridSpec {
  bits: number;
  /** Columns that share a scale. */
  group: number;
  asymmetric?: boolean;
}

/** Min-max grids: [−a, a] on ±(2^(b−1) − 1), or [min, max] on 2^b codes with a zero point. */
export function minMaxGrid(w: Float32Array, rows: number, n: number, spec: GridSpec): LayerGrid {
  const { bits, group, asymmetric = false } = spec;
  const groups = Math.ceil(n / group);
  const top = asymmetric ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  const scales = new Float32Array(rows * groups);
  const zeroPoints = new Int32Array(rows * groups);
  for (let r = 0; r < rows; r++)
    for (let g = 0; g < groups; g++) {
      const part = w.subarray(r * n + g * group, r * n + Math.min(n, (g + 1) * group));
      const [low, high] = [Math.min(0, ...part), Math.max(0, ...part)];
      const scale = (asymmetric ? high - low : Math.max(-low, high)) / top || 1;
      scales[r * groups + g] = scale;
      zeroPoints[r * groups + g] = asymmetric ? Math.round(-low / scale) : 0;
    }
  return {
    scales,
    zeroPoints,
    rowBase: Int32Array.from({ length: rows }, (_, r) => r * groups),
    columnBase: Int32Array.from({ length: n }, (_, j) => Math.floor(j / group)),
    low: asymmetric ? 0 : -top,
    high: top,
  };
}

export const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
