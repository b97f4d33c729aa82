import { describe, expect, it } from 'vitest';
import { choleskyFactor } from '../../kernels/cholesky.js';
import { correlated, normal } from './layers.js';

/** Panels are 64 columns wide and blocks of two rows go together: sizes around both. */
const SIZES = [1, 2, 3, 5, 63, 64, 65, 66, 127];

function product(l: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let k = 0; k <= Math.min(i, j); k++) out[i * n + j] += l[i * n + k] * l[j * n + k];
  return out;
}

describe('choleskyFactor', () => {
  it.each(SIZES)('L·Lᵀ is H, n = %i', (n) => {
    const h = correlated(n, n, 0.1, normal(n));
    const l = choleskyFactor(h, n)!;
    const back = product(l, n);
    const largest = Math.max(...h);
    // n·ε times the largest element bounds the backward error (Higham, theorem 10.3).
    for (let i = 0; i < n * n; i++)
      expect(Math.abs(back[i] - h[i])).toBeLessThan((n + 1) * 2 ** -52 * largest);
    for (let i = 0; i < n; i++) expect(l[i * n + i]).toBeGreaterThan(0);
    if (n > 1) expect(l[1]).toBe(0);
  });

  it('of small whole numbers is exact', () => {
    const h = Float64Array.of(4, 12, -16, 12, 37, -43, -16, -43, 98);
    expect([...choleskyFactor(h, 3)!]).toEqual([2, 0, 0, 6, 1, 0, -8, 5, 3]);
  });

  it.each([
    ['a negative eigenvalue', [1, 2, 2, 1]],
    ['a zero', [0, 0, 0, 1]],
    ['NaN', [Number.NaN, 0, 0, 1]],
  ])('refuses %s', (_, h) => {
    expect(choleskyFactor(Float64Array.from(h), 2)).toBeUndefined();
  });
});
