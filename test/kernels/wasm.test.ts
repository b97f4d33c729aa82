import { describe, expect, test } from 'vitest';
import { blockSize, type ChannelParams, pieces, scaleCount } from '../../kernels/blocks.js';
import { tableOf } from '../../kernels/codec.js';
import { FORMATS, format, type NumberFormat } from '../../kernels/formats.js';
import { addToHistogram, drainCounters, emptyHistogram } from '../../kernels/histogram.js';
import { compileKernels } from '../../kernels/module.js';
import { type BlockShape, dequantize, fakeQuantize, quantize } from '../../kernels/quantize.js';
import { uniform } from '../../kernels/random.js';
import { COUNTERS, createKernels } from '../../kernels/wasm.js';
import { hardValues, neighbour, normals, SPECIALS } from './values.js';

const kernels = createKernels(4 << 20);
/** The same values inside the kernels' memory. */
const inside = (values: Float32Array): Float32Array => {
  const copy = kernels.float32(values.length);
  copy.set(values);
  return copy;
};
const bytesOf = (a: ArrayBufferView): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);
/** Equality of every bit; vitest's own comparison takes milliseconds for a thousand elements. */
const expectSame = (found: ArrayBufferView, wanted: ArrayBufferView): void =>
  expect(bytesOf(found).equals(bytesOf(wanted))).toBe(true);

function plainExtremes(values: Float32Array) {
  const finite = values.filter(Number.isFinite);
  const nan = values.filter(Number.isNaN).length;
  return {
    min: finite.reduce((a, b) => Math.min(a, b), Infinity) + 0,
    max: finite.reduce((a, b) => Math.max(a, b), -Infinity) + 0,
    count: finite.length,
    nan,
    inf: values.length - finite.length - nan,
  };
}

describe('extremes and histogram agree with the plain versions', () => {
  const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 16_383, 16_384, 16_385, 100_003];
  test.each(lengths)('%i values, outside and inside the memory', (n) => {
    kernels.reset();
    const values = hardValues(0.37, n, n + 1);
    const expected = plainExtremes(values);
    const plain = emptyHistogram();
    addToHistogram(values, plain);
    for (const array of [values, inside(values)]) {
      expect(kernels.minMax(array)).toEqual(expected);
      for (const counters of [new Uint32Array(COUNTERS), kernels.uint32(COUNTERS)]) {
        expect(kernels.observe(array, counters)).toEqual(expected);
        kernels.histogram(array, counters);
        const found = emptyHistogram();
        drainCounters(counters, found);
        expectSame(
          found.positive,
          plain.positive.map((c) => 2 * c),
        );
        expectSame(
          found.negative,
          plain.negative.map((c) => 2 * c),
        );
        expect(counters.every((c) => c === 0)).toBe(true);
      }
    }
  });

  test('nothing finite leaves the neutral extremes', () => {
    const none = Float32Array.of(Number.NaN, Infinity, -Infinity, Number.NaN, Number.NaN);
    expect(kernels.minMax(none)).toEqual({ min: Infinity, max: -Infinity, count: 0, nan: 3, inf: 2 });
  });

  test.each(SPECIALS.map((x, i) => [x, i]))('a lone %d in any of nine places', (x) => {
    for (let place = 0; place < 9; place++) {
      const values = new Float32Array(9).fill(1);
      values[place] = x;
      expect(kernels.minMax(values)).toEqual(plainExtremes(values));
    }
  });
});

const SHAPES: [string, BlockShape][] = [
  ['per tensor', { outer: 1, channels: 1, inner: 20_011 }],
  ['axis 0', { outer: 1, channels: 7, inner: 2_861 }],
  ['middle axis', { outer: 5, channels: 13, inner: 9 }],
  ['last axis', { outer: 37, channels: 541, inner: 1 }],
  ['one value a channel', { outer: 1, channels: 20_000, inner: 1 }],
  ['rows longer than a piece', { outer: 2, channels: 3, inner: 17_001 }],
  ['many channels, rows longer than a piece', { outer: 2, channels: 9_001, inner: 2 }],
  ['nothing', { outer: 0, channels: 3, inner: 4 }],
];

/** Grids for a shape: scales around `scale`, zero points anywhere, look-up tables of random values. */
function paramsFor(row: NumberFormat, shape: BlockShape, scale: number): ChannelParams {
  const groups = scaleCount(shape);
  const next = uniform(groups);
  const params = {
    scales: Float32Array.from({ length: groups }, () =>
      row.scaled ? scale * 2 ** Math.floor(next() * 3) : 1,
    ),
    zeroPoints: new Int32Array(groups),
  };
  if (row.kind === 'integer') {
    params.zeroPoints = params.zeroPoints.map(() => Math.floor(row.qmin + next() * 2 ** row.bits));
  }
  if (row.kind !== 'table' || row.table) return params;
  const size = 2 ** row.bits;
  const tables = Float32Array.from({ length: groups * size }, () => (next() - 0.5) * 300);
  for (let group = 0; group < groups; group++) tables.subarray(group * size, (group + 1) * size).sort();
  return { ...params, tables };
}

/** Values beside the thresholds of a format at `scale`, and anywhere. */
function valuesFor(row: NumberFormat, n: number, scale: number): Float32Array {
  const values = hardValues(scale, n, 7);
  if (row.kind === 'integer' || row.bits > 8 || (row.kind === 'table' && !row.table)) return values;
  const { thresholds } = tableOf(row);
  for (let i = 0; i < n; i += 3)
    values[i] = neighbour(thresholds[i % thresholds.length] * scale, (i % 5) - 2);
  return values;
}

const BLOCKED: [string, BlockShape][] = [
  ['blocks along the last axis', { outer: 30, channels: 70, inner: 1, block: 32 }],
  ['blocks along the first axis', { outer: 1, channels: 65, inner: 37, block: 16 }],
];

const EVERY = FORMATS.filter((row) => row.id !== 'int32');
describe.each(EVERY)('$id: quantize, dequantize and fakeQuantize agree bit for bit', (row) => {
  const thorough = ['int8', 'uint8', 'fp8', 'lut4'].includes(row.id);
  const shapes = thorough
    ? [...SHAPES, ...BLOCKED]
    : [['last axis', { outer: 7, channels: 541, inner: 1 }] as const, SHAPES[2], ...BLOCKED];
  test.each(shapes)('%s', (_, shape) => {
    kernels.reset();
    const n = blockSize(shape);
    // 2^-2 makes x / s exact, so that thresholds are met; 0.37 does not.
    for (const scale of thorough ? [0.37] : [0.25, 0.37]) {
      const values = valuesFor(row, n, scale);
      const params = paramsFor(row, shape, scale);
      const codes = quantize(values, shape, params, row);
      const floats = dequantize(codes, shape, params, row);
      for (const array of [values, inside(values)]) {
        expectSame(kernels.quantize(array, shape, params, row), codes);
        expectSame(kernels.quantize(array, shape, params, row, kernels.codes(n, row)), codes);
        expectSame(kernels.fakeQuantize(array, shape, params, row), floats);
      }
      expectSame(fakeQuantize(values, shape, params, row), floats);
      expectSame(kernels.dequantize(codes, shape, params, row), floats);
    }
  });
});

/** NaN and numbers beyond 2^100 steps take another way through the kernel, and there is one in every piece above. */
test.each(['fp8', 'fp8e5m2', 'fp4', 'fp6e2m3', 'fp6e3m2'])(
  '%s: numbers without NaN and infinity agree',
  (id) => {
    const row = format(id);
    const shape = { outer: 1, channels: 3, inner: 1_021 };
    for (const scale of [0.25, 0.37]) {
      const values = valuesFor(row, blockSize(shape), scale).map((x) =>
        Math.abs(x) < 2 ** 96 * scale ? x : 0,
      );
      const params = paramsFor(row, shape, scale);
      expectSame(kernels.quantize(values, shape, params, row), quantize(values, shape, params, row));
      expectSame(kernels.quantize(inside(values), shape, params, row), quantize(values, shape, params, row));
    }
  },
);

test('every code of half precision and BF16 has its value', () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, code) => code);
  const shape = { outer: 1, channels: 1, inner: all.length };
  const params = { scales: Float32Array.of(1), zeroPoints: Int32Array.of(0) };
  for (const row of [format('fp16'), format('bf16')]) {
    const found = kernels.dequantize(all, shape, params, row);
    const wanted = dequantize(all, shape, params, row);
    expect(found.findIndex((v, i) => !Object.is(v, wanted[i]))).toBe(-1);
  }
});

describe('groupErrors', () => {
  test.each([...SHAPES, ...BLOCKED])('%s', (_, shape) => {
    const n = blockSize(shape);
    const x = normals(n, 1);
    const y = normals(n, 2);
    const wanted = new Float64Array(scaleCount(shape));
    for (const { at, channel, channels, inner, outer } of pieces(shape)) {
      for (let i = 0; i < outer * channels * inner; i++) {
        wanted[channel + (Math.floor(i / inner) % channels)] += (x[at + i] - y[at + i]) ** 2;
      }
    }
    const found = kernels.groupErrors(x, y, shape);
    // The order of the float64 additions differs: n roundings of 2^-53 each.
    found.forEach((error, i) => {
      expect(Math.abs(error - wanted[i])).toBeLessThanOrEqual(n * 2 ** -53 * wanted[i]);
    });
  });
});

describe('errorSums', () => {
  test.each([0, 1, 3, 4, 6, 16_385, 50_001])('%i pairs', (n) => {
    const x = normals(n, 1);
    const y = x.map((v, i) => v + 0.01 * Math.sin(i));
    const sums = kernels.errorSums(x, y);
    let [xx, yy, xy, dd, maxError] = [0, 0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      xx += x[i] ** 2;
      yy += y[i] ** 2;
      xy += x[i] * y[i];
      dd += (x[i] - y[i]) ** 2;
      maxError = Math.max(maxError, Math.abs(x[i] - y[i]));
    }
    expect(sums.maxError).toBe(maxError);
    // The order of the float64 additions differs: n roundings of 2^-53 each.
    for (const [found, wanted] of [
      [sums.xx, xx],
      [sums.yy, yy],
      [sums.xy, xy],
      [sums.dd, dd],
    ]) {
      expect(Math.abs(found - wanted)).toBeLessThanOrEqual(n * 2 ** -53 * Math.max(xx, 1e-300));
    }
  });
});

test('kernels that are not built say how to build them', () => {
  expect(() => compileKernels(new URL('./none.wasm', import.meta.url))).toThrow(/Run `npm run build`/);
});

describe('memory', () => {
  test('arrays are aligned, zeroed and freed in order', () => {
    const small = createKernels(1000);
    const first = small.float32(3);
    expect(first.byteOffset % 64).toBe(0);
    const mark = small.mark();
    const second = small.float32(2).fill(5);
    small.reset(mark);
    expect(small.uint32(2)).toEqual(new Uint32Array(2));
    expect(second.byteOffset).toBe(first.byteOffset + 64);
  });

  test.each([
    ['more than fits', () => createKernels(1000).float32(1 << 20), /kernel memory: 4194304 bytes wanted/],
    ['more than WebAssembly has', () => createKernels(2 ** 32), /more than 4 GiB/],
    ['lengths that differ', () => kernels.errorSums(new Float32Array(1), new Float32Array(2)), /1 values/],
    [
      'a shape that does not fit',
      () =>
        kernels.quantize(
          new Float32Array(5),
          { outer: 1, channels: 2, inner: 3 },
          { scales: new Float32Array(2), zeroPoints: new Int32Array(2) },
          format('int8'),
        ),
      /5 values for blocks of 1×2×3/,
    ],
    ['wrong counters', () => kernels.observe(new Float32Array(1), new Uint32Array(8)), /8 counters/],
  ])('%s is refused', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
