import { describe, expect, test } from 'vitest';
import { divergence, JointHistogram, mutualInformation, rowDivergence } from '../../kernels/divergence.js';
import { format } from '../../kernels/formats.js';
import { codeInformation } from '../../kernels/information.js';
import { uniform } from '../../kernels/random.js';
import { normals } from './values.js';

describe('KL of class scores', () => {
  const [p, q] = [
    [0.5, 0.25, 0.25],
    [0.25, 0.5, 0.25],
  ];
  // ½·ln 2 + ¼·ln ½.
  const nats = 0.25 * Math.LN2;
  test.each([
    ['probabilities', p, q, nats],
    ['logits, whatever is added to them', p.map((x) => Math.log(x) + 7), q.map((x) => Math.log(x) - 3), nats],
    ['the same scores', p, p, 0],
    ['a class that lost all its probability', [1, 0], [0, 1], -Math.log(1.17549435e-38)],
  ])('%s', (_, x, y, expected) => expect(rowDivergence(x, y, 0, x.length)).toBeCloseTo(expected, 9));

  test('a row within a matrix', () =>
    expect(rowDivergence([9, 9, ...p], [1, 2, ...q], 2, 3)).toBeCloseTo(nats, 9));
});

describe('mutual information', () => {
  test.each([
    ['all of two bits', [4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4].map((n) => n * 1e6), 4, 2],
    ['none of an independent pair', [1, 1, 1, 1].map((n) => n * 1e6), 2, 0],
    // A binary symmetric channel that errs with 0.11: 1 − H(0.11) = 0.5 bits.
    ['a channel of half a bit', [445e5, 55e5, 55e5, 445e5], 2, 0.5],
  ])('%s', (_, counts, columns, bits) =>
    expect(mutualInformation({ counts: Float64Array.from(counts), columns })).toBeCloseTo(bits, 3),
  );

  const n = 200_000;
  const [a, b] = [normals(n, 1), normals(n, 2)];
  const correlated = (rho: number) => a.map((x, i) => rho * x + Math.sqrt(1 - rho * rho) * b[i]);
  // −½·log₂(1 − ρ²) bits; 64 bins over ±4.5 σ hide up to 0.1 bits of it.
  test.each([0, 0.5, 0.9, 0.95])('of normals that correlate by %d', (rho) => {
    const joint = new JointHistogram();
    joint.add(a, correlated(rho));
    expect(Math.abs(joint.information.mutual + 0.5 * Math.log2(1 - rho * rho))).toBeLessThan(0.1);
  });
  test('of a value and itself is its entropy', () => {
    const joint = new JointHistogram();
    joint.add(a, a);
    const { entropy, mutual, divergence: kl } = joint.information;
    expect(mutual).toBeCloseTo(entropy, 9);
    expect(kl).toBeLessThan(1e-3);
  });
});

test('KL of histograms: a shift of all mass counts, equal ones do not', () => {
  const [p, q] = [Float64Array.of(100, 0), Float64Array.of(0, 100)];
  expect(divergence(p, q)).toBeCloseTo(Math.log2(101 / 0.5), 9);
  expect(divergence(p, p)).toBeLessThan(0.01);
});

describe('entropy of codes against what rate–distortion theory allows', () => {
  const one = (n: number) => ({ outer: 1, channels: 1, inner: n });
  const grid = (scale: number) => ({ scales: Float32Array.of(scale), zeroPoints: Int32Array.of(0) });

  test('a uniform source fills all codes: its bits', () => {
    const next = uniform(3);
    const x = Float32Array.from({ length: 1 << 18 }, () => 256 * next() - 128.5);
    expect(codeInformation(x, one(x.length), grid(1), format('int8')).entropy).toBeCloseTo(8, 2);
  });

  // Gish and Pierce 1968: a uniform quantizer with entropy coding needs ½·log₂(πe/6) = 0.2546 bits more than R(D).
  test.each([0.125, 0.25])(
    'a normal source with steps of %d σ: 0.2546 bits above R(D) = ½·log₂(σ²/D)',
    (step) => {
      const x = normals(1 << 18, 4);
      const { entropy, sqnr } = codeInformation(x, one(x.length), grid(step), format('int8'));
      const rate = (0.5 * sqnr) / (10 * Math.log10(2));
      expect(entropy - rate).toBeCloseTo(0.2546, 2);
    },
  );
});
