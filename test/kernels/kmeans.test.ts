import { describe, expect, test } from 'vitest';
import { blockShape } from '../../kernels/blocks.js';
import { kMeans, lookUpTables } from '../../kernels/kmeans.js';
import { uniform } from '../../kernels/random.js';
import { normals } from './values.js';

const spreadOf = (x: Float32Array, table: Float32Array, h?: Float32Array): number =>
  x.reduce((sum, v, i) => sum + (h?.[i] ?? 1) * Math.min(...[...table].map((t) => (t - v) ** 2)), 0);

/** The least spread over every partition of the sorted numbers into at most k runs. */
function exhaustive(x: number[], h: number[], k: number): number {
  if (x.length === 0) return 0;
  if (k === 0) return Infinity;
  let best = Infinity;
  for (let cut = 0; cut < x.length; cut++) {
    const [xs, hs] = [x.slice(cut), h.slice(cut)];
    const weight = hs.reduce((a, b) => a + b, 0);
    const mean = xs.reduce((a, v, i) => a + hs[i] * v, 0) / weight;
    const own = xs.reduce((a, v, i) => a + hs[i] * (v - mean) ** 2, 0);
    best = Math.min(best, own + exhaustive(x.slice(0, cut), h.slice(0, cut), k - 1));
  }
  return best;
}

describe('k-means in one dimension', () => {
  test.each([1, 2, 3, 4])('%i clusters of 9 numbers are the best of all partitions', (k) => {
    for (let seed = 1; seed <= 20; seed++) {
      const x = normals(9, seed).sort();
      const next = uniform(seed);
      const h = Float32Array.from(x, () => 0.1 + next());
      for (const weights of [undefined, h]) {
        const found = spreadOf(x, kMeans(x, k, weights), weights);
        const least = exhaustive([...x], [...(weights ?? x.map(() => 1))], k);
        // The means are stored as float32.
        expect(Math.abs(found - least)).toBeLessThanOrEqual(1e-6);
      }
    }
  });

  test.each([
    ['fewer numbers than places', [3, 1, 3], 4, [1, 3, 3, 3]],
    ['nothing', [], 2, [0, 0]],
    ['one number', [5, 5, 5], 1, [5]],
    ['NaN and infinities are left out', [Number.NaN, 1, Infinity, 2, -Infinity], 2, [1, 2]],
    ['two heaps', [0, 0.5, 0.25, 9, 10, 11], 2, [0.25, 10]],
  ])('%s', (_, x, k, table) => expect([...kMeans(Float32Array.from(x), k)]).toEqual(table));

  test('a weight of 0 takes a number out', () =>
    expect([...kMeans(Float32Array.of(1, 2, 100), 2, Float32Array.of(1, 1, 0))]).toEqual([1, 2]));

  /** Lloyd–Max for a normal distribution: 2, 4 and 16 levels (Max 1960, table I). */
  test.each([
    [2, 4.4],
    [16, 20.22],
    [4, 9.3],
  ])('%i levels of 100,000 normal numbers reach Max’s quantizer', (k, decibels) => {
    const x = normals(100_000, 1);
    const table = kMeans(x, k);
    const inner = table.slice(1).map((t, i) => (t + table[i]) / 2);
    let error = 0;
    for (const v of x) {
      let rank = 0;
      while (rank < inner.length && inner[rank] < v) rank++;
      error += (v - table[rank]) ** 2;
    }
    const sqnr = 10 * Math.log10(x.reduce((a, v) => a + v * v, 0) / error);
    // The statistical error of the variance of 100,000 numbers is 0.02 dB; a sample is fitted a little better.
    expect(Math.abs(sqnr - decibels)).toBeLessThan(0.12);
  });

  test('an outlier takes one place and leaves the others to the rest', () => {
    const x = normals(70_000, 2);
    x[5] = 1000;
    const table = kMeans(x, 16);
    expect(table[15]).toBe(1000);
    expect(Math.max(...table.subarray(0, 15))).toBeLessThan(4);
  });
});

test('tables of each group: blocks along the first axis', () => {
  const x = Float32Array.of(1, 10, 2, 20, 3, 30);
  const tables = lookUpTables(x, blockShape([3, 2], 0, 2), 1);
  expect([...tables]).toEqual([1, 2, 10, 20, 3, 3, 30, 30]);
  expect(() => lookUpTables(x, blockShape([6]), 1, new Float32Array(2))).toThrow('2 weights for 6 values');
});
