import { describe, expect, it } from 'vitest';
import { best, classRows } from '../../src/verify/classify.js';
import {
  addSums,
  cosine,
  emptySums,
  floatElements,
  NO_SIGNAL_DB,
  sqnrDb,
} from '../../src/verify/errorsums.js';
import { type PairedCounts, pairedDifference, wilson } from '../../src/verify/interval.js';
import { median } from '../../src/verify/latency.js';

const sumsOf = (x: number[], y: number[]) => {
  const sums = emptySums();
  addSums(sums, x, y);
  return sums;
};

describe('error sums', () => {
  it.each([
    ['equal', [1, 2, 3], [1, 2, 3], null, 1, 0],
    ['a tenth off', [10, 0], [9, 0], 20, 1, 1],
    ['opposite', [1, 1], [-1, -1], 10 * Math.log10(2 / 8), -1, 2],
    ['all zero against all zero', [0, 0], [0, 0], null, 1, 0],
    ['no signal', [0, 0], [0, 1], NO_SIGNAL_DB, 0, 1],
    ['lost signal', [3, 4], [0, 0], 0, 0, 4],
    ['nothing', [], [], null, 1, 0],
  ])('%s', (_, x, y, db, cos, max) => {
    const sums = sumsOf(x, y);
    if (db === null) expect(sqnrDb(sums)).toBeNull();
    else expect(sqnrDb(sums)).toBeCloseTo(db, 12);
    expect(cosine(sums)).toBeCloseTo(cos, 12);
    expect(sums.maxAbsError).toBe(max);
  });

  it.each([
    ['NaN in both', [Number.NaN, 1], [Number.NaN, 1], 1, 0],
    ['NaN that quantization made', [2, 1], [Number.NaN, 1], 0, 1],
    ['infinity in both, as in masks', [-Infinity, 1], [-Infinity, 1], 1, 0],
    ['infinity that quantization made', [2, 1], [Infinity, 1], 0, 1],
  ])('%s is counted and left out', (_, x, y, badX, badY) => {
    const sums = sumsOf(x, y);
    expect([sums.badX, sums.badY, sums.xx, sums.error]).toEqual([badX, badY, 1, 0]);
  });

  it('keeps adding over samples', () => {
    const sums = sumsOf([1], [2]);
    addSums(sums, [3], [3]);
    expect([sums.xx, sums.error, sums.maxAbsError]).toEqual([10, 1, 1]);
  });

  it('holds float32 extremes without overflow', () => {
    expect(sumsOf([3e38, -3e38], [-3e38, 3e38]).maxAbsError).toBe(6e38);
  });

  it.each([
    ['float16', Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ['bfloat16', Uint16Array.of(0x3f80, 0xc000), [1, -2]],
    ['float32', Float32Array.of(1, -2), [1, -2]],
    ['float64', Float64Array.of(1, -2), [1, -2]],
  ] as const)('reads %s', (dtype, data, want) => {
    expect([...Array.from(floatElements({ dtype, dims: [2], data })!)]).toEqual(want);
  });

  it('calls integers no floats', () => {
    expect(floatElements({ dtype: 'int32', dims: [1], data: Int32Array.of(1) })).toBeUndefined();
  });
});

describe('what looks like a classifier', () => {
  it.each([
    [[1, 1000], { rows: 1, classes: 1000 }],
    [[8, 10], { rows: 8, classes: 10 }],
    [[10], { rows: 1, classes: 10 }],
    [[1, 1000, 1, 1], { rows: 1, classes: 1000 }],
    [[1, 2], undefined],
    [[1, 1], undefined],
    [[], undefined],
    [[1, 3, 8, 8], undefined],
    [[1, 84, 8400], undefined],
    [[0, 10], undefined],
  ])('%j → %j', (dims, want) => {
    expect(classRows(dims)).toEqual(want);
  });

  it.each([
    [[1, 3, 2], 2, [1, 2]],
    [[5, 5, 5], 2, [0, 1]],
    [[Number.NaN, 1, 2], 3, [2, 1, 0]],
    [[-Infinity, -1], 5, [1, 0]],
    [[0, 1, 2, 3, 4, 5, 6], 5, [6, 5, 4, 3, 2]],
  ])('best of %j', (scores, count, want) => {
    expect(best(scores, 0, scores.length, count)).toEqual(want);
    expect(best([9, 9, ...scores], 2, scores.length, count)).toEqual(want);
  });
});

describe('intervals', () => {
  it.each([
    // Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('Wilson %i of %i', (hits, n, low, high) => {
    const [l, h] = wilson(hits, n);
    expect([l, h].map((v) => v.toFixed(4))).toEqual([low.toFixed(4), high.toFixed(4)]);
  });

  it.each([
    // Altman et al., Statistics with Confidence (2000), table 6.2: difference 0.12, 95 % interval 0.01 to 0.23.
    [{ both: 14, onlyFirst: 5, onlySecond: 0, neither: 22 }, 0.01, 0.23],
    // Newcombe 1998, table III, method 10.
    [{ both: 36, onlyFirst: 12, onlySecond: 2, neither: 0 }, 0.06, 0.34],
  ])('paired %j', (counts, low, high) => {
    const [l, h] = pairedDifference(counts);
    expect([l.toFixed(2), h.toFixed(2)]).toEqual([low.toFixed(2), high.toFixed(2)]);
  });

  it('is symmetric in the two classifiers', () => {
    const [l, h] = pairedDifference({ both: 80, onlyFirst: 7, onlySecond: 3, neither: 10 });
    const [l2, h2] = pairedDifference({ both: 80, onlyFirst: 3, onlySecond: 7, neither: 10 });
    // Both ends are sums of a few terms near 0.1, so 1e-15 is a handful of roundings.
    expect(l2).toBeCloseTo(-h, 14);
    expect(h2).toBeCloseTo(-l, 14);
  });

  it('keeps a width when nothing differs', () => {
    const [l, h] = pairedDifference({ both: 100, onlyFirst: 0, onlySecond: 0, neither: 0 });
    expect(l).toBeLessThan(-0.01);
    expect(h).toBeGreaterThan(0.01);
  });

  it.each([
    [0.85, 0.03, 0.02],
    [0.6, 0.05, 0.01],
    [0.75, 0.1, 0.05],
  ])('covers the true difference 95 % of the time: both %f, only one %f and %f', (both, first, second) => {
    // Exact sum over every table of 60 rows. 0.93…0.995 is the span of coverages that Newcombe's evaluation shows.
    const coverage = exactCoverage(60, both, first, second);
    expect(coverage).toBeGreaterThan(0.93);
    expect(coverage).toBeLessThan(0.995);
  });
});

function exactCoverage(n: number, pa: number, pb: number, pc: number): number {
  const logs = [0];
  for (let i = 1; i <= n; i++) logs.push(logs[i - 1] + Math.log(i));
  const truth = pb - pc;
  let covered = 0;
  for (let b = 0; b <= n; b++)
    for (let c = 0; b + c <= n; c++)
      for (let a = 0; a + b + c <= n; a++) {
        const counts: PairedCounts = { both: a, onlyFirst: b, onlySecond: c, neither: n - a - b - c };
        const logP =
          logs[n] -
          logs[a] -
          logs[b] -
          logs[c] -
          logs[counts.neither] +
          a * Math.log(pa) +
          b * Math.log(pb) +
          c * Math.log(pc) +
          counts.neither * Math.log(1 - pa - pb - pc);
        const [low, high] = pairedDifference(counts);
        if (low <= truth && truth <= high) covered += Math.exp(logP);
      }
  return covered;
}

it.each([
  [[3], 3],
  [[1, 9], 5],
  [[9, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
])('median of %j is %f', (values, want) => {
  expect(median(values)).toBe(want);
});
