import { describe, expect, it } from 'vitest';
import { clippedMoments, normalShare } from '../../kernels/normal.js';

const PI2 = 2 * Math.PI;

describe('a normal variable that is cut', () => {
  it.each([
    ['nowhere', 1, 2, -Infinity, Infinity, 1, 4],
    [
      'by Relu, at its mean: σ·φ(0), σ²·(½ − φ(0)²)',
      0,
      3,
      0,
      Infinity,
      3 / Math.sqrt(PI2),
      9 * (1 / 2 - 1 / PI2),
    ],
    // φ(1) = 0.2419707, Φ(1) = 0.8413447; E[y²] = (μ² + σ²)·Φ + μ·σ·φ
    ['by Relu, a deviation below', 1, 1, 0, Infinity, 1.0833155, 1.92466 - 1.0833155 ** 2],
    ['by Clip, as far on either side', 3, 2, 0, 6, 3, undefined],
    ['by Clip, and is all of it', -9, 1, 0, 6, 0, 0],
    ['where it does not vary', 7, 0, 0, 6, 6, 0],
  ])('%s', (_, mean, deviation, low, high, expectedMean, variance) => {
    const found = clippedMoments({ mean, deviation, low, high });
    // The share of a normal variable is known within 8e-8.
    expect(found.mean).toBeCloseTo(expectedMean, 5);
    if (variance !== undefined) expect(found.variance).toBeCloseTo(variance, 5);
  });

  it('has shares that add up', () => {
    expect(normalShare(0)).toBeCloseTo(0.5, 6);
    expect(normalShare(1.959964)).toBeCloseTo(0.975, 6);
    expect(normalShare(-1.959964)).toBeCloseTo(0.025, 6);
    expect(normalShare(-Infinity)).toBe(0);
  });
});
