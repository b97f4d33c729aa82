import { describe, expect, test } from 'vitest';
import { addToHistogram, emptyHistogram } from '../../kernels/histogram.js';
import { gridOf, squaredError } from '../../kernels/noise.js';
import { type Side, sidesOf } from '../../kernels/side.js';
import { normals } from './values.js';

const side = (low: number, high: number, count: number): Side => ({
  low: Float64Array.of(low),
  high: Float64Array.of(high),
  count: Float64Array.of(count),
  counts: Float64Array.of(0, count),
  sums: Float64Array.of(0, (count * (low + high)) / 2),
  squares: Float64Array.of(0, (count * (low * low + low * high + high * high)) / 3),
});
const nothing = side(0, 0, 0);

/** The error by brute force: the middle of 200,000 equal parts. */
function sampled(low: number, high: number, scale: number, levels: number): number {
  const parts = 200_000;
  let sum = 0;
  for (let i = 0; i < parts; i++) {
    const x = low + ((i + 0.5) / parts) * (high - low);
    sum += (x - scale * Math.min(levels, Math.round(x / scale))) ** 2;
  }
  return sum / parts;
}

describe('squaredError', () => {
  test.each([
    ['many steps', 0, 10, 0.1, 127],
    ['inside one step', 0.21, 0.24, 0.1, 127],
    ['across a tie', 0.24, 0.27, 0.1, 127],
    ['below half a step', 0.01, 0.02, 0.1, 127],
    ['across the clip', 12, 14, 0.1, 127],
    ['beyond the clip', 13, 14, 0.1, 127],
    ['one level', 0, 3, 1, 1],
    ['a side without levels', 0.5, 1, 0.1, 0],
    ['a point', 0.33, 0.33, 0.1, 127],
    ['a point beyond the clip', 20, 20, 0.1, 127],
    ['large numbers', 1e30, 3e30, 1e28, 127],
    ['small numbers', 1e-36, 3e-36, 1e-38, 127],
  ])('%s', (_, low, high, scale, levels) => {
    const grid = { scale, positiveLevels: levels, negativeLevels: levels };
    const expected = 7 * sampled(low, high, scale, levels);
    for (const sides of [
      { positive: side(low, high, 7), negative: nothing },
      { positive: nothing, negative: side(low, high, 7) },
    ]) {
      // The brute force is a midpoint sum: its own error is of order 1/parts where a tie falls inside a part.
      expect(Math.abs(squaredError(sides, grid) / expected - 1)).toBeLessThan(1e-4);
    }
  });

  test.each([
    ['asymmetric', -4, 4, 255, false],
    ['asymmetric, lopsided', -1, 4, 255, false],
    ['symmetric', -2, 2, 254, true],
    ['clipping hard', -0.5, 0.7, 255, false],
  ])('predicts the error measured on 200,000 values: %s', (_, min, max, steps, symmetric) => {
    const values = normals(200_000, 5);
    const histogram = emptyHistogram();
    addToHistogram(values, histogram);
    const extremes = [Math.min(...values.slice(0, 1000)), 0];
    for (const x of values) {
      extremes[0] = Math.min(extremes[0], x);
      extremes[1] = Math.max(extremes[1], x);
    }
    const grid = gridOf(min, max, steps, symmetric);
    let measured = 0;
    for (const x of values) {
      const k = Math.max(-grid.negativeLevels, Math.min(grid.positiveLevels, Math.round(x / grid.scale)));
      measured += (x - k * grid.scale) ** 2;
    }
    const expected = squaredError(sidesOf(histogram, extremes[0], extremes[1]), grid);
    // Rounding noise of n values scatters by 1/√n · 0.9 = 0.2 %; the flat buckets add less than their width squared.
    expect(Math.abs(expected / measured - 1)).toBeLessThan(0.01);
  });
});

describe('gridOf', () => {
  test.each([
    [0, 2.55, 255, false, 0.01, 255, 0],
    [-10, 60, 255, false, 70 / 255, 219, 36],
    [2, 5.1, 255, false, 0.02, 255, 0],
    [-1, 0, 255, false, 1 / 255, 0, 255],
    [-1.27, 0.5, 254, true, 0.01, 127, 127],
    [0.5, 2.55, 255, true, 0.02, 127, 128],
  ])('[%d, %d] in %i steps, symmetric %s', (min, max, steps, symmetric, scale, positive, negative) => {
    const grid = gridOf(min, max, steps, symmetric);
    expect(grid.scale).toBeCloseTo(scale, 15);
    expect([grid.positiveLevels, grid.negativeLevels]).toEqual([positive, negative]);
  });
});
