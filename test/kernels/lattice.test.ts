import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LayerGrid, LayerRounding } from '../../kernels/lattice.js';
import { clip, roundLayer } from '../../kernels/round-layer.js';
import { correlated, LAYER, minMaxGrid, normal, sum } from './layers.js';

/** Scale 1, codes −7…7 for every weight. */
const units = (rows: number, n: number): LayerGrid => ({
  scales: new Float32Array(rows).fill(1),
  zeroPoints: new Int32Array(rows),
  rowBase: Int32Array.from({ length: rows }, (_, r) => r),
  columnBase: new Int32Array(n),
  low: -7,
  high: 7,
});

const layerOf = (w: number[], h: number[], grid?: LayerGrid) =>
  new LayerRounding(Float32Array.from(w), 1, w.length, Float64Array.from(h), grid ?? units(1, w.length));

const objectiveOf = (w: number[], q: number[], h: number[]) => {
  const e = w.map((x, i) => q[i] - x);
  return e.reduce((s, a, i) => s + e.reduce((t, b, j) => t + a * b * h[i * w.length + j], 0), 0);
};

/** The best of all codes −7…7 for two weights. */
function bruteForce(w: number[], h: number[]): number {
  let best = Infinity;
  for (let a = -7; a <= 7; a++)
    for (let b = -7; b <= 7; b++) best = Math.min(best, objectiveOf(w, [a, b], h));
  return best;
}

/** By hand. The objective of nearest, and of the best codes: e = (0.6, −0.4) and the like. */
const PAIRS = [
  { name: 'equal inputs', w: [0.4, 0.4], h: [1, 1, 1, 1], nearest: 0.64, best: 0.04 },
  { name: 'nearly equal inputs', w: [0.4, 0.4], h: [1, 0.9, 0.9, 1], nearest: 0.608, best: 0.088 },
  { name: 'opposite inputs', w: [0.4, -0.4], h: [1, -0.9, -0.9, 1], nearest: 0.608, best: 0.088 },
  { name: 'a loud and a soft input', w: [0.4, 0.3], h: [1, 2, 2, 4], nearest: 1, best: 0 },
  { name: 'clipped', w: [9, 0.2], h: [1, 1, 1, 1], nearest: 4.84, best: 0.04 },
];

describe('LayerRounding', () => {
  it.each(PAIRS)('two weights, $name: the best codes there are', ({ w, h, nearest, best }) => {
    const layer = layerOf(w, h);
    layer.nearest();
    expect(sum(layer.objectives())).toBeCloseTo(nearest, 5);
    expect(sum(layer.descend(4)), 'from nearest').toBeCloseTo(best, 5);
    layer.compensate();
    expect(sum(layer.descend(4)), 'from compensated').toBeCloseTo(best, 5);
    expect(bruteForce(w, h)).toBeCloseTo(best, 5);
  });

  it.each([
    // The loud input first: 0.4 to 0 leaves 0.4·0.9/1 to the other, 0.76 to 1.
    ['to the soft input', [0.4, 0.4], [1, 0.9, 0.9, 1.1], [1, 0]],
    // 2.6 to 3 takes 0.4·2/1 from the other, 0.8 to 1 …
    ['with its sign', [1.6, 2.6], [1, 2, 2, 8], [1, 3]],
    // … which is 2 where the two have nothing in common.
    ['to none that it has nothing in common with', [1.6, 2.6], [1, 0, 0, 8], [2, 3]],
  ])('compensates in closed form what a loud input errs, by H₁₂/H₁₁: %s', (_, w, h, codes) => {
    const layer = layerOf(w, h);
    layer.compensate({ damping: 0 });
    expect([...layer.rounded]).toEqual(codes);
  });

  it('with a diagonal H nothing beats rounding to nearest, whatever the order', () => {
    const next = normal(3);
    const w = Array.from({ length: 24 }, () => 3 * next());
    const h = new Float64Array(24 * 24);
    for (let i = 0; i < 24; i++) h[i * 24 + i] = 1 + i;
    const layer = layerOf(w, [...h]);
    layer.nearest();
    const nearest = layer.rounded;
    for (const actOrder of [true, false]) {
      layer.compensate({ actOrder });
      expect(layer.rounded).toEqual(nearest);
      layer.descend(4);
      expect(layer.rounded).toEqual(nearest);
    }
  });

  it('rounds ties to even and clips to the codes, with zero points', () => {
    const grid = { ...units(1, 6), scales: Float32Array.of(0.5), zeroPoints: [3], low: 0, high: 15 };
    const layer = layerOf([0.25, 0.75, -0.25, -9, 9, 6], [...new Float64Array(36)], grid);
    layer.nearest();
    // Codes 0…15 less the zero point are steps −3…12.
    expect([...layer.rounded].map((x) => x + 0)).toEqual([0, 1, 0, -1.5, 6, 6]);
  });

  it('takes the nearest of sorted levels, at every scale', () => {
    const levels = Float32Array.of(-6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6);
    const layer = layerOf([0.9, -1.3, 4.8, 5.2, 100, -100], [...new Float64Array(36)], {
      ...units(1, 6),
      scales: Float32Array.of(2),
      levels,
    });
    layer.nearest();
    expect([...layer.rounded]).toEqual([1, -1, 4, 6, 12, -12]);
  });

  it('refits a scale in closed form: s = (w·H·q)/(q·H·q)', () => {
    const h = [2, 1, 1, 3];
    const layer = layerOf([1.2, 2.2], h);
    layer.nearest();
    layer.refit();
    const q = [1, 2];
    const hq = [2 * 1 + 1 * 2, 1 * 1 + 3 * 2];
    const scale = (1.2 * hq[0] + 2.2 * hq[1]) / (q[0] * hq[0] + q[1] * hq[1]);
    expect(layer.scales[0]).toBeCloseTo(scale, 6);
    expect(layer.rounded[1]).toBeCloseTo(2 * scale, 6);
  });

  it.each([
    // All but the first lie on steps of 0.8; clipped to 5.6 it loses 1.4².
    ['a quiet input is clipped', 1e-4, 0.8],
    ['a loud one is not', 100, 1],
  ])('clips in closed form, weighted by the diagonal of H: %s', (_, first, scale) => {
    const w = [7, 0.8, -1.6, 2.4, -3.2, 4];
    const h = new Float64Array(36);
    for (let i = 0; i < 6; i++) h[7 * i] = i === 0 ? first : 1;
    const layer = layerOf(w, [...h]);
    clip(layer, { scales: true });
    expect(layer.scales[0]).toBeCloseTo(scale, 6);
  });

  it('a matrix that is not positive definite is damped until it is', () => {
    const layer = layerOf([0.4, 0.4], [1, 1.2, 1.2, 1]);
    layer.compensate({ damping: 0 });
    expect([...layer.rounded].every(Number.isFinite)).toBe(true);
  });

  it('refuses a matrix of NaN', () => {
    expect(() => layerOf([1, 2], [Number.NaN, 0, 0, 1]).compensate()).toThrow(RangeError);
  });

  it('refuses sizes that do not belong together', () => {
    expect(() => layerOf([1, 2], [1])).toThrow(RangeError);
    expect(() => layerOf([1, 2], [1, 0, 0, 1], units(1, 3))).toThrow(RangeError);
  });
});

const layers = fc.record({
  ...LAYER,
  n: fc.integer({ min: 1, max: 21 }),
  group: fc.constantFrom(4, 8, 32),
  asymmetric: fc.boolean(),
});

describe('a layer rounded by H', () => {
  it('never has a larger objective than rounded to nearest, and each step lowers it', () => {
    fc.assert(
      fc.property(layers, ({ rows, n, rank, seed, ...spec }) => {
        const next = normal(seed);
        const w = Float32Array.from({ length: rows * n }, next);
        const h = correlated(n, rank, 0.01, next);
        const layer = new LayerRounding(w, rows, n, h, minMaxGrid(w, rows, n, spec));
        layer.compensate();
        const steps = [sum(layer.objectives()), sum(layer.descend(1)), sum(layer.descend(4))];
        layer.refit();
        steps.push(sum(layer.objectives()), sum(layer.descend(4)));
        // f32 sums of up to 21 products: a few ulps of the first.
        const slack = 1e-5 * steps[0];
        for (let i = 1; i < steps.length; i++) expect(steps[i]).toBeLessThanOrEqual(steps[i - 1] + slack);
        const fresh = new LayerRounding(w, rows, n, h, minMaxGrid(w, rows, n, spec));
        const { objective, nearest } = roundLayer(fresh, { scales: true });
        expect(objective).toBeLessThanOrEqual(nearest);
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('is clipped where its weighted error falls, and nowhere else', () => {
    fc.assert(
      fc.property(layers, ({ rows, n, rank, seed, ...spec }) => {
        const next = normal(seed);
        const w = Float32Array.from({ length: rows * n }, () => next() ** 3);
        const grid = minMaxGrid(w, rows, n, spec);
        const layer = new LayerRounding(w, rows, n, correlated(n, rank, 0.01, next), grid);
        const before = layer.gridErrors(layer.importance);
        const { low, high } = grid;
        clip(layer, { scales: true, ...(spec.asymmetric && { zeroPoints: { low, high } }) });
        layer.gridErrors(layer.importance).forEach((error, i) => {
          expect(error).toBeLessThanOrEqual(before[i]);
          if (error === before[i]) expect(layer.scales[i]).toBe(grid.scales[i]);
        });
      }),
      { seed: 5, numRuns: 100 },
    );
  });

  it('lies on the grid of the scales that it returns', () => {
    const [rows, n] = [5, 40];
    const next = normal(11);
    const w = Float32Array.from({ length: rows * n }, next);
    const layer = new LayerRounding(
      w,
      rows,
      n,
      correlated(n, 12, 0.05, next),
      minMaxGrid(w, rows, n, { bits: 4, group: 16 }),
    );
    const { rounded, scales } = roundLayer(layer, { scales: true });
    rounded.forEach((value, i) => {
      const steps = value / scales[Math.floor(i / n) * 3 + Math.floor((i % n) / 16)];
      expect(Math.abs(steps - Math.round(steps))).toBeLessThan(1e-5);
      expect(Math.abs(steps)).toBeLessThan(7.001);
    });
  });

  it('keeps one scale for rows that share it', () => {
    const [rows, n] = [4, 12];
    const next = normal(5);
    const w = Float32Array.from({ length: rows * n }, next);
    const grid = {
      ...minMaxGrid(w, 1, rows * n, { bits: 4, group: rows * n }),
      rowBase: new Int32Array(rows),
    };
    const layer = new LayerRounding(w, rows, n, correlated(n, 4, 0.05, next), {
      ...grid,
      columnBase: new Int32Array(n),
    });
    const { objective, nearest, scales } = roundLayer(layer, { scales: true });
    expect(scales).toHaveLength(1);
    expect(objective).toBeLessThan(nearest);
  });
});
