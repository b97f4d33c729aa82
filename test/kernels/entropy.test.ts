import { describe, expect, test } from 'vitest';
import { entropyThreshold } from '../../kernels/entropy.js';

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
