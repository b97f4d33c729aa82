import { uniform } from '../../kernels/random.js';
import { correlated, normal } from './layers.js';

const [ROWS, COLUMNS] = [256, 512];

/**
 * A layer like those of transformers: Student-t weights (5 degrees of freedom), inputs of a rank-256 spectrum λ_k = k^−0.8
 * and 4 % white noise, one channel in 32 sixteen times louder. Rounding it to nearest costs what the published table of
 * the H-engine says within half a dB, except at 4 bits a channel (12.5 for 11.8 dB): the original generator is not known.
 */
export function syntheticLayer(seed = 1) {
  const [next, even] = [normal(seed), uniform(seed + 1)];
  const rank = 256;
  let k = 0;
  // The k-th of the `rank` directions comes with the root of its share of the power.
  const a = () => next() * (1 + (k++ % rank)) ** -0.4;
  const h = correlated(COLUMNS, rank, 0, a);
  const loud = Float64Array.from({ length: COLUMNS }, () => 1);
  for (let i = 0; i < COLUMNS / 32; i++) loud[Math.floor(even() * COLUMNS)] = 16;
  const mean = Array.from(loud, (_, j) => h[j * COLUMNS + j]).reduce((x, y) => x + y) / COLUMNS;
  for (let i = 0; i < COLUMNS; i++)
    for (let j = 0; j < COLUMNS; j++)
      h[i * COLUMNS + j] = (h[i * COLUMNS + j] / mean + (i === j ? 0.04 : 0)) * loud[i] * loud[j];
  const weights = Float32Array.from({ length: ROWS * COLUMNS }, () => studentT(next, 5));
  return { weights, hessian: h, rows: ROWS, columns: COLUMNS };
}

function studentT(next: () => number, freedom: number): number {
  let squares = 0;
  for (let i = 0; i < freedom; i++) squares += next() ** 2;
  return next() / Math.sqrt(squares / freedom);
}

/** Output SQNR in dB of the published table, by grid. */
export const PUBLISHED = [
  { name: 'W4/ch', bits: 4, group: COLUMNS, asymmetric: false, gptq: 21.0, clipped: 25.0, descended: 25.9 },
  { name: 'W4 g128 asym', bits: 4, group: 128, asymmetric: true, gptq: 26.8, clipped: 27.9, descended: 28.6 },
  { name: 'W3 g128', bits: 3, group: 128, asymmetric: true, gptq: 19.6, clipped: 22.1, descended: 22.9 },
  { name: 'W2 g64', bits: 2, group: 64, asymmetric: true, gptq: 12.5, clipped: 16.4, descended: 17.4 },
] as const;
