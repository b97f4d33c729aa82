import { describe, expect, test } from 'vitest';
import { entropyThreshold } from '../../kernels/entropy.js';
import { uniform } from '../../kernels/random.js';

/** Histograms of 2048 bins by formula. */
const BINS = 2048;
const halfNormal = (j: number): number => Math.round(1e6 * Math.exp(-0.5 * (((j + 0.5) / BINS) * 5) ** 2));
const FORMULAS: Record<string, (j: number) => number> = {
  halfnormal5: halfNormal,
  laplace12: (j) => Math.round(1e6 * Math.exp((-(j + 0.5) / BINS) * 12)),
  relu_spike: (j) => halfNormal(j) + (j === 0 ? 5e8 : 0),
  outlier: (j) =>
    (j < 200 ? Math.round(1e6 * Math.exp(-0.5 * ((j + 0.5) / 40) ** 2)) : 0) + (j === 2047 ? 3 : 0),
};
const binsOf = (name: string): Float64Array =>
  Float64Array.from({ length: BINS }, (_, j) => FORMULAS[name](j));

/** KL(P ‖ Q), both normalised. */
function divergenceOf(p: readonly number[], q: readonly number[]): number {
  const [all, pictured] = [p, q].map((counts) => counts.reduce((a, b) => a + b, 0));
  return p.reduce((sum, x, i) => sum + (x > 0 ? (x / all) * Math.log(x / all / (q[i] / pictured)) : 0), 0);
}

/** What a threshold loses, written out: clipped counts on the last bin that is not empty, then levels of even counts. */
function pictured(counts: readonly number[], bin: number, levels: number): number {
  const bins = counts.map((x, i) => (i === 0 ? counts[1] : x));
  const inside = bins.slice(0, bin);
  const last = inside.findLastIndex((x) => x > 0);
  if (last < 0) return Infinity;
  const p = inside.slice();
  p[last] += bins.slice(bin).reduce((a, b) => a + b, 0);
  const levelOf = inside.map((_, i) => {
    let level = 0;
    while (Math.ceil(((level + 1) * bin) / levels) <= i) level++;
    return level;
  });
  const q = inside.map((x, i) => {
    const own = inside.filter((y, j) => levelOf[j] === levelOf[i] && y > 0);
    return x > 0 ? own.reduce((a, b) => a + b, 0) / own.length : 0;
  });
  return divergenceOf(p, q);
}

/**
 * What NVIDIA's calibrator gives for them, computed by an independent program from the published algorithm.
 * Divergences are Σ P·ln(P/Q) there and differences of sums here: 2048 roundings of terms up to ln(5e8) ≈ 20.
 */
const GOLDEN: [string, number, number, number][] = [
  ['halfnormal5', 128, 1970, 6.15015341100096e-5],
  ['halfnormal5', 256, 2044, 1.5627342134093227e-5],
  ['laplace12', 128, 1920, 0.00034324273183698425],
  ['laplace12', 256, 2048, 8.95157611715876e-5],
  ['relu_spike', 128, 1970, 6.15015341100096e-5],
  ['relu_spike', 256, 2044, 1.5627342134093227e-5],
  ['outlier', 128, 185, 5.235862161835057e-5],
  ['outlier', 256, 2048, 0.0016378401893769271],
];

describe('entropy threshold', () => {
  test.each(GOLDEN)('%s in %i levels is bin %i, as published', (name, levels, bin, divergence) => {
    const found = entropyThreshold(binsOf(name), levels, { smoothing: false });
    expect(found.bin).toBe(bin);
    expect(Math.abs(found.divergence - divergence)).toBeLessThan(1e-13);
  });

  test.each(GOLDEN)(
    '%s in %i levels: smoothing changes no threshold that was finite',
    (name, levels, bin) => {
      const found = entropyThreshold(binsOf(name), levels);
      if (name === 'outlier') expect(found.bin).toBeLessThan(300);
      else expect(found.bin).toBe(bin);
    },
  );

  test('clips an outlier that lies beyond empty bins, which the published form never does', () => {
    expect(entropyThreshold(binsOf('outlier'), 256, { smoothing: false }).bin).toBe(BINS);
    expect(entropyThreshold(binsOf('outlier'), 256).bin).toBeLessThan(300);
  });

  test.each([
    // Two levels of two bins each are as even as the bins are: nothing is lost.
    ['nothing is lost where the bins of a level are alike', [5, 5, 2, 2], 0, 4, 0],
    // P = (1, 3)/4 and Q = (1, 1)/2.
    ['clipped counts weigh in P, not in Q', [6, 6], 12, 2, 0.75 * Math.log(3) - Math.log(2)],
  ])('in closed form, two levels: %s', (_, bins, beyond, bin, divergence) => {
    const found = entropyThreshold(bins, 2, { beyond });
    expect(found.bin).toBe(bin);
    expect(found.divergence).toBeCloseTo(divergence, 12);
  });

  test('no other threshold loses less, as the definition says of each', () => {
    const next = uniform(3);
    for (let round = 0; round < 50; round++) {
      const bins = Array.from({ length: 24 }, (_, j) => Math.floor(100 * next() * Math.exp(-j / 6)));
      const levels = 4 + (round % 3);
      const each = Array.from({ length: 25 - levels }, (_, i) => pictured(bins, levels + i, levels));
      const { bin, divergence } = entropyThreshold(bins, levels);
      expect(divergence).toBeCloseTo(Math.min(...each), 10);
      expect(each[bin - levels]).toBeCloseTo(divergence, 10);
    }
  });

  test('counts above the last bin weigh like counts in it', () => {
    const bins = binsOf('laplace12');
    const cut = bins.subarray(0, 1024);
    const beyond = bins.subarray(1024).reduce((a, b) => a + b, 0);
    const whole = entropyThreshold(bins, 128).divergence;
    expect(entropyThreshold(cut, 128, { beyond }).divergence).toBeGreaterThanOrEqual(whole);
  });

  test.each([
    ['all empty', new Float64Array(BINS)],
    ['one bin', Float64Array.from({ length: BINS }, (_, j) => (j === 900 ? 5 : 0))],
  ])('%s: some bin, no NaN', (_, bins) => {
    const { bin } = entropyThreshold(bins, 128);
    expect(bin).toBeGreaterThanOrEqual(128);
    expect(bin).toBeLessThanOrEqual(BINS);
  });
});
