import { describe, expect, test } from 'vitest';
import { FORMATS, format } from '../../kernels/formats.js';
import { dequantize, quantize } from '../../kernels/quantize.js';
import { roundingErrors, stochasticQuantize, uniformAt } from '../../kernels/stochastic.js';
import { normals } from './values.js';

const one = (n: number) => ({ outer: 1, channels: 1, inner: n });
const TABLES = Float32Array.from({ length: 256 }, (_, i) => (i - 128) / 16);
const params = (bits: number, scale = 1, zeroPoint = 0) => ({
  scales: Float32Array.of(scale),
  zeroPoints: Int32Array.of(zeroPoint),
  tables: TABLES.slice(0, 2 ** bits),
});

describe('the counter-based generator', () => {
  test('is uniform: mean, variance and 16 equal bins of 100,000 numbers', () => {
    const uniform = uniformAt({ seed: 1, tensor: 'w' });
    const n = 100_000;
    const bins = new Array<number>(16).fill(0);
    let [sum, squares] = [0, 0];
    for (let i = 0; i < n; i++) {
      const u = uniform(i);
      sum += u;
      squares += u * u;
      bins[Math.floor(u * 16)]++;
    }
    // Five standard errors each: of a mean √(1/12n), of a second moment √(4/45n); 99.9 % of χ² with 15 degrees is 37.7.
    expect(Math.abs(sum / n - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(squares / n - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / n));
    expect(bins.reduce((a, b) => a + (b - n / 16) ** 2 / (n / 16), 0)).toBeLessThan(37.7);
  });

  test('differs by seed, tensor and index, and repeats', () => {
    const draw = (seed: number, tensor: string, index: number) => uniformAt({ seed, tensor })(index);
    const all = [draw(1, 'a', 0), draw(2, 'a', 0), draw(1, 'b', 0), draw(1, 'a', 1), draw(1, 'a', 2 ** 32)];
    expect(new Set(all).size).toBe(5);
    expect(draw(1, 'a', 0)).toBe(all[0]);
  });
});

/** Formats of every family; 5·√(p(1−p)/N) steps around the value is what unbiased rounding stays within. */
const IDS = [
  'int8',
  'uint8',
  'int4',
  'fp8',
  'fp8e5m2',
  'fp4',
  'fp6e2m3',
  'fp16',
  'bf16',
  'tf32',
  'log4',
  'pot4',
  'nf4',
  'lut4',
];
describe.each(IDS)('%s', (id) => {
  const row = format(id);
  const zeroPoint = id === 'uint8' ? 100 : 0;
  const grid = params(row.bits, 1, zeroPoint);
  const N = 20_000;

  test.each([0.3, -0.3, 0.71, -2.6 / 7, 0.013, 0.5 + 2 ** -12])('the mean of %d is itself', (x) => {
    const u = Math.fround(row.kind === 'integer' ? 8 * x : row.id.startsWith('lut') ? x / 2 - 7.5 : x);
    const values = new Float32Array(N).fill(u);
    const codes = stochasticQuantize(values, one(N), grid, row, { seed: 3, tensor: `${id} ${x}` });
    const found = dequantize(codes, one(N), grid, row);
    const seen = [...new Set(found)].sort((a, b) => a - b);
    expect(seen.length).toBeLessThanOrEqual(2);
    const [low, high] = [seen[0], seen.at(-1)!];
    expect(low <= u && u <= high).toBe(true);
    const p = high > low ? (u - low) / (high - low) : 0;
    const mean = found.reduce((a, b) => a + b, 0) / N;
    expect(Math.abs(mean - u)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / N) * (high - low));
    const variance = found.reduce((a, b) => a + (b - u) ** 2, 0) / N;
    // The fourth moment bounds the spread of a variance: (high − low)² / 2 / √N a standard error.
    expect(Math.abs(variance - p * (1 - p) * (high - low) ** 2)).toBeLessThanOrEqual(
      (2.5 * (high - low) ** 2) / Math.sqrt(N),
    );
  });
});

test('values on the grid stay, whatever is drawn', () => {
  for (const row of FORMATS.filter((f) => f.bits <= 8 && f.id !== 'e8m0')) {
    const grid = params(row.bits, 0.5, 0);
    const codes = Int32Array.from({ length: 200 }, (_, i) => row.qmin + (i % 2 ** row.bits));
    const x = dequantize(codes, one(200), grid, row).map((v) => (Number.isFinite(v) ? v : 0));
    const found = dequantize(
      stochasticQuantize(x, one(200), grid, row, { seed: 1, tensor: 't' }),
      one(200),
      grid,
      row,
    );
    expect([row.id, ...found.map((v) => v + 0)]).toEqual([row.id, ...x.map((v) => v + 0)]);
  }
});

test('what lies outside saturates, NaN is as it is otherwise', () => {
  const x = Float32Array.of(1e6, -1e6, Number.NaN, Infinity);
  for (const id of ['int8', 'fp8', 'fp4', 'nf4', 'lut4']) {
    const row = format(id);
    const found = stochasticQuantize(x, one(4), params(row.bits), row, { seed: 1, tensor: 't' });
    expect([id, ...found]).toEqual([id, ...quantize(x, one(4), params(row.bits), row)]);
  }
});

test('chunks do not matter to the numbers drawn: an index belongs to its element', () => {
  const x = normals(1000, 1);
  const row = format('int4');
  const whole = stochasticQuantize(x, one(1000), params(4, 0.3), row, { seed: 9, tensor: 'w' });
  const shape = { outer: 1, channels: 10, inner: 100 };
  const grids = { scales: new Float32Array(10).fill(0.3), zeroPoints: new Int32Array(10) };
  expect([...stochasticQuantize(x, shape, grids, row, { seed: 9, tensor: 'w' })]).toEqual([...whole]);
});

test('rounding down errs by half a step, to nearest and stochastically by none', () => {
  const x = normals(50_000, 4);
  const errors = roundingErrors(x, one(x.length), params(8, 0.05), format('int8'), { seed: 1, tensor: 'w' });
  const by = new Map(errors.map((e) => [e.mode, e]));
  expect(by.get('floor')!.bias).toBeCloseTo(-0.5, 2);
  expect(by.get('ceil')!.bias).toBeCloseTo(0.5, 2);
  for (const mode of ['nearest', 'stochastic'] as const) {
    expect(Math.abs(by.get(mode)!.bias)).toBeLessThan(5 * by.get(mode)!.standardError);
  }
  // Uniform errors: nearest 1/√12, stochastic √(1/6) of a step, one-sided √(1/3).
  expect(by.get('nearest')!.rms).toBeCloseTo(Math.sqrt(1 / 12), 2);
  expect(by.get('stochastic')!.rms).toBeCloseTo(Math.sqrt(1 / 6), 2);
  expect(by.get('floor')!.rms).toBeCloseTo(Math.sqrt(1 / 3), 2);
});
