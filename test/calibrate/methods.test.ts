import { describe, expect, test } from 'vitest';
import { emptyHistogram } from '../../kernels/histogram.js';
import { checkIds, expectedError, findMethod, METHODS } from '../../src/calibrate/methods/index.js';
import type { Range, RangeRequest, TensorStats } from '../../src/calibrate/types.js';
import { QuantizeError } from '../../src/errors.js';
import { statsOf, TENSORS } from './stats.js';

const ASYMMETRIC: RangeRequest = { steps: 255, symmetric: false };
const SYMMETRIC: RangeRequest = { steps: 254, symmetric: true };
const STATS = Object.entries(TENSORS).map(([name, values]): [string, TensorStats] => [name, statsOf(values)]);
const stats = (name: string): TensorStats => STATS.find(([n]) => n === name)![1];
const rangeOf = (method: string, s: TensorStats, request = ASYMMETRIC): Range =>
  findMethod(method).range(s, request);
const reach = ({ min, max }: Range): number => Math.max(-min, max);

describe.each(METHODS.map((m) => m.id))('%s', (id) => {
  test.each(STATS)('%s: a range within what was seen, the same every time', (_, s) => {
    for (const request of [ASYMMETRIC, SYMMETRIC]) {
      const before = structuredClone(s);
      const range = rangeOf(id, s, request);
      expect(range).toEqual(rangeOf(id, s, request));
      expect(s.extremes).toEqual(before.extremes);
      expect(range.min >= Math.min(s.min, 0) && range.max <= Math.max(s.max, 0)).toBe(true);
      expect(range.min <= range.max && reach(range) > 0).toBe(true);
      if (s.min >= 0) expect(range.min >= 0).toBe(true);
      if (s.min >= 0) expect(Object.is(range.min, -0)).toBe(false);
    }
  });

  test.each([
    ['nothing', [], { min: 0, max: 0 }],
    ['nothing finite', [Number.NaN, Infinity], { min: 0, max: 0 }],
    ['zeros', [0, 0, 0], { min: 0, max: 0 }],
    ['one value always', [5, 5, 5], { min: 5, max: 5 }],
    ['one negative value always', [-0.25, -0.25], { min: -0.25, max: -0.25 }],
  ])('%s', (_, values, expected) => {
    for (const request of [ASYMMETRIC, SYMMETRIC]) {
      expect(rangeOf(id, statsOf(Float32Array.from(values)), request)).toEqual(expected);
    }
  });
});

test('min-max is what was seen', () => {
  expect(rangeOf('minmax', stats('two values'))).toEqual({ min: -1, max: 3 });
});

describe('moving average', () => {
  const over = (extremes: [number, number][]): TensorStats => ({
    ...statsOf(Float32Array.of(-100, 100)),
    extremes: extremes.map(([min, max], index) => ({ index, min, max })),
  });
  test.each([
    ['starts at the first sample', [[-1, 2]], -1, 2],
    [
      'moves by a hundredth of the difference',
      [
        [-1, 2],
        [-2, 102],
      ],
      -1.01,
      3,
    ],
    [
      'step by step',
      [
        [0, 1],
        [0, 101],
        [0, 102],
      ],
      0,
      2 + 0.01 * 100,
    ],
    [
      'passes over samples without a finite value',
      [
        [0, 1],
        [Infinity, -Infinity],
        [0, 101],
      ],
      0,
      2,
    ],
    ['without samples it is min-max', [], -100, 100],
  ] as [string, [number, number][], number, number][])('%s', (_, extremes, min, max) => {
    const range = rangeOf('moving-average', over(extremes));
    expect(range.min).toBeCloseTo(min, 12);
    expect(range.max).toBeCloseTo(max, 12);
  });
  test('with another weight', () => {
    expect(
      rangeOf(
        'moving-average:0.5',
        over([
          [0, 1],
          [-1, 3],
        ]),
      ),
    ).toEqual({ min: -0.5, max: 2 });
  });
});

describe('percentile', () => {
  // Buckets are at most 1/32 of the value wide; the samples scatter by some more in the tails.
  const near = (found: number, expected: number) => expect(Math.abs(found / expected - 1)).toBeLessThan(0.08);
  test.each([
    ['normal', 'percentile:99', -2.576, 2.576],
    ['normal', 'percentile:95', -1.96, 1.96],
    ['normal', 'percentile:99.9', -3.29, 3.29],
  ])('%s %s cuts half of the rest on either side', (name, method, min, max) => {
    const range = rangeOf(method, stats(name));
    near(range.min, min);
    near(range.max, max);
  });
  test('a one-sided tensor loses all of it at its end', () => {
    const range = rangeOf('percentile:99', stats('relu'));
    expect(range.min).toBe(0);
    near(range.max, 2.326);
    near(rangeOf('percentile:99', stats('negative')).min, -2.576);
  });
  test('symmetric: of magnitudes', () =>
    near(reach(rangeOf('percentile:95', stats('normal'), SYMMETRIC)), 1.96));
  test('the default, 99.99, drops the outlier', () =>
    expect(rangeOf('percentile', stats('huge outlier')).max).toBeLessThan(5));
  test('never cuts down to nothing', () =>
    expect(rangeOf('percentile', stats('sparse')).max).toBeGreaterThan(0));
});

describe('entropy', () => {
  test.each([
    ['huge outlier', 3, 8],
    ['two outliers', 3, 8],
    ['normal', 3.5, 5],
    ['relu', 3.5, 5],
    ['laplace', 3, 17],
  ])('%s: the threshold lies around the bulk', (name, low, high) => {
    for (const request of [ASYMMETRIC, SYMMETRIC]) {
      const threshold = reach(rangeOf('entropy', stats(name), request));
      expect(threshold).toBeGreaterThan(low);
      expect(threshold).toBeLessThan(high);
    }
  });
  test('values away from zero are not clipped to their smallest', () => {
    expect(rangeOf('entropy', stats('shifted')).min).toBeLessThan(-3.4);
  });
});

describe('mse', () => {
  test.each(STATS)('%s: no other method expects less error', (_, s) => {
    for (const request of [ASYMMETRIC, SYMMETRIC]) {
      const least = expectedError(s, rangeOf('mse', s, request), request);
      for (const { id } of METHODS) {
        const slack = id === 'minmax' ? 1 : 1.005;
        const error = expectedError(s, rangeOf(id, s, request), request);
        expect(least, id).toBeLessThanOrEqual(error * slack);
      }
    }
  });

  test('finds the known optimum of 8 bits for normal values, 3.92σ … 4.2σ', () => {
    const threshold = reach(rangeOf('mse', stats('normal'), SYMMETRIC));
    expect(threshold).toBeGreaterThan(3.6);
    expect(threshold).toBeLessThan(4.25);
  });

  // 2b²·exp(−t/b) is clipped, (2t/steps)²/12 rounded: least where t/b·exp(t/b) = 3·steps², Lambert's W.
  test.each([
    [62, 7.3572],
    [126, 8.6174],
  ])('finds the closed form for a Laplace distribution, W(3·%i²) = %f scales', (steps, threshold) => {
    expect((threshold * Math.exp(threshold)) / (3 * steps ** 2)).toBeCloseTo(1, 3);
    const half = 50_000;
    const values = Float32Array.from({ length: 2 * half }, (_, i) => {
      const magnitude = -Math.log(1 - ((i >> 1) + 0.5) / half);
      return i % 2 ? magnitude : -magnitude;
    });
    const found = reach(rangeOf('mse', statsOf(values), { steps, symmetric: true }));
    // The error is flat around its least: a threshold 3 % away costs a thousandth more.
    expect(Math.abs(found / threshold - 1)).toBeLessThan(0.03);
  });

  test('clips each side on its own', () => {
    const { min, max } = rangeOf('mse', stats('lopsided'));
    expect(min).toBeGreaterThan(-0.3);
    expect(max).toBeGreaterThan(3);
  });

  test('keeps a spike at the end of the range exact', () => {
    expect(rangeOf('mse', stats('relu6')).max).toBeCloseTo(6, 1);
  });

  test('a single outlier is kept when losing it costs more than coarse steps', () => {
    expect(rangeOf('mse', stats('huge outlier')).max).toBeGreaterThan(9e5);
  });
});

describe('auto', () => {
  test.each(STATS)('%s: within a tenth of the least error, and no narrower than that range', (_, s) => {
    for (const request of [ASYMMETRIC, SYMMETRIC]) {
      const [found, least] = [rangeOf('auto', s, request), rangeOf('mse', s, request)];
      // expectedError divides and multiplies anew: one part in 10^12.
      const bound = expectedError(s, least, request) * 1.1 * (1 + 1e-12);
      expect(expectedError(s, found, request)).toBeLessThanOrEqual(bound);
      const extent = (r: Range) => (request.symmetric ? reach(r) : Math.max(r.max, 0) - Math.min(r.min, 0));
      expect(extent(found)).toBeGreaterThanOrEqual(extent(least));
    }
  });
  test('does not clip where clipping gains little', () => {
    expect(rangeOf('auto', stats('sigmoid'))).toEqual(rangeOf('minmax', stats('sigmoid')));
  });
});

describe('the registry', () => {
  test('ids, in order', () => {
    expect(METHODS.map((m) => m.id)).toEqual([
      'minmax',
      'moving-average',
      'percentile',
      'entropy',
      'mse',
      'auto',
    ]);
    expect(METHODS.every((m) => m.description.length > 10)).toBe(true);
  });
  test('a second method of the same name is refused', () => {
    expect(() => checkIds([...METHODS, METHODS[0]])).toThrow('two calibration methods are called "minmax"');
  });
  test.each([
    ['percentil', 'UNKNOWN_METHOD', /Did you mean "percentile"/],
    ['', 'UNKNOWN_METHOD', /The methods are minmax/],
    ['mse:3', 'METHOD_PARAMETER', /Write "mse"/],
    ['percentile:', 'METHOD_PARAMETER', /99.99 by default/],
    ['percentile:101', 'METHOD_PARAMETER', /percent/],
    ['percentile:100', 'METHOD_PARAMETER', /percent/],
    ['percentile:abc', 'METHOD_PARAMETER', /percent/],
    ['moving-average:1', 'METHOD_PARAMETER', /weight/],
  ])('"%s" is refused', (name, code, hint) => {
    const error = caught(() => findMethod(name));
    expect(error.code).toBe(code);
    expect(error.kind).toBe('usage');
    expect(error.hint).toMatch(hint);
  });
  test('a number after the name sets the parameter', () => {
    expect(findMethod('percentile:99.9').description).toContain('99.9 %');
    expect(findMethod('percentile')).toBe(METHODS[2]);
  });
});

function caught(run: () => unknown): QuantizeError {
  try {
    run();
  } catch (error) {
    if (error instanceof QuantizeError) return error;
  }
  throw new Error('no QuantizeError');
}

test('nothing but zeros has the range of zero', () => {
  const bare = { ...stats('laplace'), ...emptyHistogram(), count: 0 };
  for (const method of METHODS) expect(method.range(bare, ASYMMETRIC), method.id).toEqual({ min: 0, max: 0 });
});
