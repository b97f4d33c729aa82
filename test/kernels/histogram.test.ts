import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addToHistogram,
  BUCKETS,
  bucketOf,
  EDGES,
  emptyHistogram,
  type Histogram,
  magnitudeQuantile,
  mergeHistograms,
  quantile,
} from '../../kernels/histogram.js';
import { linearBins, sidesOf } from '../../kernels/side.js';
import { hardValues, neighbour, normals } from './values.js';

const histogramOf = (values: Float32Array): Histogram => {
  const histogram = emptyHistogram();
  addToHistogram(values, histogram);
  return histogram;
};

describe('buckets', () => {
  test('there are 8160 finite ones, 32 an octave', () => {
    expect(BUCKETS).toBe(8160);
    expect(bucketOf(2) - bucketOf(1)).toBe(32);
    expect(EDGES[bucketOf(1) + 1]).toBe(1 + 1 / 32);
    expect(EDGES[BUCKETS]).toBe(2 ** 128);
  });

  test('every edge opens its own bucket and the float below closes the one before', () => {
    const wrong = [...EDGES.keys()].filter(
      (bucket) =>
        bucket > 0 &&
        bucket < BUCKETS &&
        (bucketOf(EDGES[bucket]) !== bucket || bucketOf(neighbour(EDGES[bucket], -1)) !== bucket - 1),
    );
    expect(wrong).toEqual([]);
  });

  test.each([
    [0, 0],
    [-0, 0],
    [2 ** -149, 0],
    [-1, bucketOf(1)],
    [3.4028234663852886e38, 8159],
  ])('%d is in bucket %i', (x, bucket) => expect(bucketOf(x)).toBe(bucket));

  test.each([Number.NaN, Infinity, -Infinity])('%d has none', (x) => {
    expect(() => bucketOf(x)).toThrow(RangeError);
  });

  test('zeros of either sign are positive, the smallest negative float is not', () => {
    const { positive, negative } = histogramOf(Float32Array.of(0, -0, -(2 ** -149)));
    expect([positive[0], negative[0]]).toEqual([2, 1]);
  });
});

test('merging histograms, in any split and order, equals one pass', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noDefaultInfinity: false }), { maxLength: 200 }),
      fc.nat(200),
      (list, cut) => {
        const values = Float32Array.from(list);
        const [a, b] = [histogramOf(values.subarray(0, cut)), histogramOf(values.subarray(cut))];
        mergeHistograms(b, a);
        expect(b).toEqual(histogramOf(values));
      },
    ),
    { seed: 1, numRuns: 30 },
  );
});

describe('quantile', () => {
  const values = normals(100_000, 4);
  const sorted = Float32Array.from(values).sort();
  test.each([0.0001, 0.01, 0.2, 0.5, 0.8, 0.99, 0.9999])('%d of normal values', (p) => {
    const exact = sorted[Math.floor(p * sorted.length)];
    const found = quantile(histogramOf(values), p);
    // One bucket is at most 1/32 of the value; beside it one value of the sample either way.
    expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.abs(exact) / 32 + 1e-3);
  });

  test.each([
    ['nothing', new Float32Array(0), 0.5, 0],
    ['zeros', new Float32Array(9), 0.99, 0],
    ['half zeros, below them', Float32Array.of(-1, 0, 0, 1), 0.5, 0],
  ])('%s', (_, list, p, expected) => expect(quantile(histogramOf(list), p)).toBe(expected));

  test('of magnitudes takes both signs together', () => {
    const found = magnitudeQuantile(histogramOf(values), 0.95);
    expect(Math.abs(found - 1.96)).toBeLessThan(1.96 / 32 + 0.02);
  });
});

describe('linearBins', () => {
  const values = normals(100_000, 8);
  const sides = sidesOf(histogramOf(values), -5, 5);
  test('keeps every count, inside or beyond', () => {
    for (const range of [0.5, 2, 6]) {
      const { bins, beyond } = linearBins(sides, range, 512);
      const inside = bins.reduce((a, b) => a + b, 0);
      expect(inside + beyond).toBeCloseTo(100_000, 6);
      const above = values.filter((x) => Math.abs(x) >= range).length;
      expect(Math.abs(beyond - above)).toBeLessThan(1000);
      expect(bins.every((count) => count >= 0)).toBe(true);
    }
  });

  test('follows the density inside a bucket', () => {
    // The quantiles of an exponential distribution: the density falls by 4/2048 from bin to bin. Flat buckets, 16 bins
    // wide at 1, would not fall inside and then drop by 1/32.
    const n = 200_000;
    const exponential = Float64Array.from({ length: n }, (_, i) => -Math.log(1 - (i + 0.5) / n));
    const smooth = sidesOf(histogramOf(Float32Array.from(exponential)), 0, 13);
    const { bins } = linearBins(smooth, 4, 2048);
    const falls = Array.from({ length: 300 }, (_, j) => 1 - bins[480 + j + 1] / bins[480 + j]);
    expect(Math.max(...falls)).toBeLessThan(0.006);
    expect(Math.min(...falls)).toBeGreaterThan(-0.002);
  });

  test('puts zeros into the first bin', () => {
    const zeros = sidesOf(histogramOf(Float32Array.of(0, 0, -0, 1)), 0, 1);
    expect(linearBins(zeros, 1, 4)).toEqual({ bins: Float64Array.of(3, 0, 0, 1), beyond: 0 });
  });

  test('survives values of every size', () => {
    const hard = hardValues(1, 5000, 3).filter(Number.isFinite);
    const { bins } = linearBins(sidesOf(histogramOf(hard), -(2 ** 127), 2 ** 127), 2 ** 127, 256);
    expect(bins.every(Number.isFinite)).toBe(true);
  });
});
