/** Φ(z), the share of a standard normal variable below z, within 8e-8 (Abramowitz and Stegun 1964, 26.2.17). */
export function normalShare(z: number): number {
  if (z < 0) return 1 - normalShare(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const tail =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - normalDensity(z) * tail;
}

/** φ(z). */
export const normalDensity = (z: number): number => Math.exp(-z * z * 0.5) / Math.sqrt(2 * Math.PI);

/** A normal variable of that mean and standard deviation, cut to [low, high]: Relu has [0, ∞), ReLU6 [0, 6]. */
export interface ClippedNormal {
  mean: number;
  deviation: number;
  low: number;
  high: number;
}

/**
 * Mean and variance of a clipped normal variable. With α, β the bounds in standard deviations from the mean,
 *   E[y] = low·Φ(α) + μ·(Φ(β) − Φ(α)) + σ·(φ(α) − φ(β)) + high·(1 − Φ(β));
 * for Relu that is σ·φ(μ/σ) + μ·Φ(μ/σ) (Nagel et al. 2019, "Data-Free Quantization", appendix C).
 */
export function clippedMoments({ mean, deviation, low, high }: ClippedNormal): {
  mean: number;
  variance: number;
} {
  if (!(deviation > 0)) return { mean: Math.min(high, Math.max(low, mean)), variance: 0 };
  const [a, b] = [(low - mean) / deviation, (high - mean) / deviation];
  const [below, above] = [normalShare(a), 1 - normalShare(b)];
  const inside = 1 - below - above;
  const [first, last] = [normalDensity(a), normalDensity(b)];
  // At an infinite bound nothing is cut off, and ∞ · 0 is no number.
  const times = (bound: number, share: number): number => (Number.isFinite(bound) ? bound * share : 0);
  const of = mean * inside + deviation * (first - last) + times(low, below) + times(high, above);
  const square =
    (mean * mean + deviation * deviation) * inside +
    deviation * (2 * mean * (first - last) + deviation * (times(a, first) - times(b, last))) +
    times(low * low, below) +
    times(high * high, above);
  return { mean: of, variance: Math.max(0, square - of * of) };
}
