/** 97.5 % point of the standard normal distribution, for two-sided 95 % intervals. */
const Z = 1.959963984540054;

/** Wilson's score interval of `hits` out of `n` at 95 %, as shares. n > 0. (Wilson, JASA 22, 1927.) */
export function wilson(hits: number, n: number): [number, number] {
  const p = hits / n;
  const zz = Z * Z;
  const centre = (2 * hits + zz) / (2 * (n + zz));
  const half = (Z * Math.sqrt(zz + 4 * n * p * (1 - p))) / (2 * (n + zz));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** A pair of classifiers on the same n rows, counted by who was right. */
export interface PairedCounts {
  both: number;
  onlyFirst: number;
  onlySecond: number;
  neither: number;
}

/**
 * 95 % interval of p₁ − p₂ for paired shares, as shares: method 10 of R. G. Newcombe, "Improved confidence intervals
 * for the difference between binomial proportions based on paired data", Statistics in Medicine 17 (1998) 2635–2650:
 * Wilson limits of each share, joined with their correlation φ. Unlike the Wald interval it stays in −1…1 and keeps
 * its width when no row differs.
 */
export function pairedDifference(counts: PairedCounts): [number, number] {
  const { both: a, onlyFirst: b, onlySecond: c, neither: d } = counts;
  const n = a + b + c + d;
  const p1 = (a + b) / n;
  const p2 = (a + c) / n;
  const [l1, u1] = wilson(a + b, n);
  const [l2, u2] = wilson(a + c, n);
  const phi = correlation(a, b, c, d);
  const join = (x: number, y: number) => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
  return [p1 - p2 - join(p1 - l1, u2 - p2), p1 - p2 + join(u1 - p1, p2 - l2)];
}

/** φ of the 2×2 table, its numerator drawn towards zero by n/2 where it is positive, as Newcombe's method 10 does. */
function correlation(a: number, b: number, c: number, d: number): number {
  const margins = (a + b) * (c + d) * (a + c) * (b + d);
  if (margins === 0) return 0;
  const cross = a * d - b * c;
  const corrected = cross > 0 ? Math.max(cross - (a + b + c + d) / 2, 0) : cross;
  return corrected / Math.sqrt(margins);
}
