import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codecOf, integerMultiple, tableOf, valuesOf } from '../../kernels/codec.js';
import { decodeFloat, encodeFloat } from '../../kernels/floats.js';
import { FORMATS, format } from '../../kernels/formats.js';
import { dequantize, fakeQuantize, quantize } from '../../kernels/quantize.js';
import { uniform } from '../../kernels/random.js';
import { encodeByTable } from '../../kernels/tables.js';
import { neighbour } from './values.js';

interface Golden {
  inputs: (number | string)[];
  formats: Record<string, { decode: (number | string)[]; encode: number[]; saturated: number[] }>;
}
/** Written by test/interop/python/golden_formats.py from ml_dtypes. */
const GOLDEN = JSON.parse(readFileSync(new URL('./golden/formats.json', import.meta.url), 'utf8')) as Golden;
const INPUTS = GOLDEN.inputs.map((x) => Math.fround(Number(x)));

const one = (n: number) => ({ outer: 1, channels: 1, inner: n });
const params = (scale: number, zeroPoint = 0) => ({
  scales: Float32Array.of(scale),
  zeroPoints: Int32Array.of(zeroPoint),
});

describe.each(Object.entries(GOLDEN.formats))('%s', (id, golden) => {
  const row = format(id);
  const layout = row.layout!;

  test('every code has its value', () => {
    expect([...valuesOf(row)].map((v) => (Object.is(v, -0) ? '-0' : v))).toEqual(
      golden.decode.map((v) => (v === '-0' ? v : Number(v))),
    );
    expect(valuesOf(row)).toHaveLength(2 ** row.bits);
  });

  test('ties, edges and special values have their codes', () => {
    expect(INPUTS.map((x) => encodeFloat(x, { ...layout, saturates: true }))).toEqual(golden.saturated);
    expect(INPUTS.map((x) => encodeFloat(x, { ...layout, saturates: false }))).toEqual(golden.encode);
  });

  test('the table of values and thresholds is the same codec', () => {
    const table = tableOf(row);
    const next = uniform(7);
    const aimed = [...table.thresholds].flatMap((t) => [neighbour(t, -1), t, neighbour(t, 1)]);
    const anywhere = Array.from({ length: 2000 }, () =>
      Math.fround((next() * 2 - 1) * row.largest * 2 ** -Math.floor(next() * 12)),
    );
    const wrong = [...aimed, ...anywhere, Number.NaN, Infinity, -Infinity].filter((x) => {
      const [found, wanted] = [encodeByTable(x, table), encodeFloat(x, layout)];
      return found !== wanted && decodeFloat(found, layout) !== decodeFloat(wanted, layout);
    });
    expect(wrong).toEqual([]);
  });
});

/** Everything that a row states follows from its codes. */
describe.each(FORMATS.filter((row) => row.id !== 'int32'))('$id', (row) => {
  test('codes decode and encode to themselves', () => {
    const codes = row.bits <= 16 ? 2 ** row.bits : 2000;
    const tables = Float32Array.from({ length: 2 ** Math.min(8, row.bits) }, (_, i) => i - 3);
    const codec = codecOf(row, { ...params(1), tables }, 0);
    const wrong: number[] = [];
    for (let i = 0; i < codes; i++) {
      const value = codec.decode(row.qmin + i);
      const again = codec.encode(value);
      const infinite = Math.abs(value) === Infinity && row.layout?.saturates;
      const same = infinite
        ? Math.abs(codec.decode(again)) === row.largest
        : again === row.qmin + i || value === 0 || (Number.isNaN(value) && Number.isNaN(codec.decode(again)));
      if (!same) wrong.push(row.qmin + i);
    }
    expect(wrong).toEqual([]);
  });

  test('the largest and the smallest value are its own', () => {
    if (!row.scaled && row.kind === 'table') return expect(row.largest).toBe(1);
    const codec = codecOf(row, params(1), 0);
    expect(codec.decode(codec.encode(row.largest))).toBe(row.largest);
    expect(codec.decode(codec.encode(row.smallest))).toBe(row.smallest);
    expect(codec.decode(codec.encode(row.smallest / 2.5))).toBeLessThanOrEqual(row.smallest);
    if (row.layout?.saturates) expect(codec.decode(codec.encode(1e30))).toBe(row.largest);
  });
});

test.each([
  ['fp4', 'int8', 2],
  ['fp6e2m3', 'int8', 8],
  ['fp6e3m2', 'int16', 16],
  ['pot4', 'int8', 64],
  ['log5', 'int16', 2 ** 14],
  ['int8', 'int8', 1],
])('every value of %s is a whole %s times 1/%d', (id, integer, factor) => {
  const row = format(id);
  const multiple = integerMultiple(row)!;
  expect([multiple.format.id, multiple.factor]).toEqual([integer, factor]);
  for (const value of valuesOf(row)) {
    expect(Number.isInteger(value * factor)).toBe(true);
    expect(Math.abs(value * factor)).toBeLessThanOrEqual(-multiple.format.qmin);
  }
});
test.each(['fp8', 'nf4', 'lut4', 'bf16', 'log8', 'e8m0'])('%s is no multiple of an integer', (id) =>
  expect(integerMultiple(format(id))).toBeUndefined(),
);

/** Hand-computed: values beside the thresholds of the grids that round by rules of their own. */
test.each([
  // 2^-0.5 = 0.70711 is half-way between 2^-1 and 2^0 in the exponent.
  ['log4', [0.70710677, 0.7072, 0.75, 1e-9, -1e-9, 0, 3], [0.5, 1, 1, 2 ** -6, -(2 ** -6), 0, 1]],
  ['pot4', [0.708, 0.75, 0.7500001, 1e-9, 2 ** -7, 1.01 * 2 ** -7], [0.5, 0.5, 1, 0, 0, 2 ** -6]],
  [
    'e8m0',
    [0, 0.26, 1, 1.25, 5, -1, Infinity, 3e38],
    [2 ** -127, 0.5, 1, 2, 8, 2 ** -127, 2 ** 127, 2 ** 127],
  ],
  ['nf4', [0.04, 0.0397, 0.9, -0.9, 2], [0.07958029955625534, 0, 1, -1, 1]],
  ['tf32', [1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20], [1, 1 + 2 ** -9, 1 + 2 ** -10]],
  ['tf32rna', [1 + 2 ** -11, -(1 + 2 ** -11)], [1 + 2 ** -10, -(1 + 2 ** -10)]],
  ['tf32rz', [1.9999999, -1.9999999], [2 - 2 ** -10, -(2 - 2 ** -10)]],
  ['bf16', [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, 1e-40], [1, 1 + 2 ** -6, Infinity, 2 ** -133]],
  ['fp16', [65519, 65520, 2 ** -25, 1.0001 * 2 ** -25], [65504, Infinity, 0, 2 ** -24]],
  ['int3', [2.5, 3.5, -3.5, -9], [2, 3, -4, -4]],
])('%s rounds %j to %j', (id, x, wanted) => {
  const found = fakeQuantize(Float32Array.from(x), one(x.length), params(1), format(id));
  expect([...found]).toEqual(wanted);
});

test('a look-up table of each group, its values ascending', () => {
  const shape = { outer: 1, channels: 2, inner: 3 };
  const tables = Float32Array.of(-1, 0, 0, 2, 10, 20, 30, 40);
  const grids = { scales: Float32Array.of(1, 1), zeroPoints: new Int32Array(2), tables };
  const x = Float32Array.of(-5, 0.9, 1.1, 14, 15, 100);
  const codes = quantize(x, shape, grids, format('lut2'));
  expect([...codes]).toEqual([0, 2, 3, 0, 0, 3]);
  expect([...dequantize(codes, shape, grids, format('lut2'))]).toEqual([-1, 0, 2, 10, 10, 40]);
  expect(() => quantize(x, shape, { ...grids, tables: tables.subarray(4) }, format('lut2'))).toThrow(
    'lut2 needs 8 table values for 2 groups, not 4',
  );
});

test('an unknown format is a bug', () => expect(() => format('int9')).toThrow('no number format "int9"'));
