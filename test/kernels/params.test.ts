import { describe, expect, test } from 'vitest';
import { format } from '../../kernels/formats.js';
import { CHANNEL_FLOOR } from '../../kernels/params.js';
import {
  biasOverflow,
  blockShape,
  dequantize,
  quantize,
  quantizeBias,
  rangeToParams,
  weightParams,
} from '../../kernels/quantize.js';

const f32 = Math.fround;
const NORMAL = 2 ** -126;

describe('rangeToParams', () => {
  test.each([
    ['zeros', 0, 0, 'uint8', false, 1, 0],
    ['a range too small for a normal scale', 0, 1e-37, 'uint8', false, 1, 0],
    ['a symmetric one', -1e-40, 1e-41, 'int8', true, 1, 0],
    ['zero is added to a positive range', 3, 6, 'uint8', false, f32(6 / 255), 0],
    ['zero is added to a negative range', -6, -3, 'int8', false, f32(6 / 255), 127],
    ['symmetric uint8 has its zero at 128', -1, 3, 'uint8', true, f32(6 / 255), 128],
    ['wide: ±40000, where float16 arithmetic overflows', -40000, 40000, 'int8', true, f32(40000 / 127), 0],
    ['all of float32', -3.4e38, 3.4e38, 'uint8', false, f32(6.8e38 / 255), 128],
    ['int32', -1, 1, 'int32', true, f32(1 / (2 ** 31 - 1)), 0],
  ])('%s', (_, min, max, id, symmetric, scale, zeroPoint) => {
    expect(rangeToParams(min, max, format(id), { symmetric })).toEqual({ scale, zeroPoint });
  });

  test.each([5, 0.1, -0.1, 3.4e38, -1e-30, 1 / 3])('a constant %d is exact in every grid', (v) => {
    const constant = f32(v);
    for (const id of ['int8', 'uint8']) {
      for (const symmetric of [true, false]) {
        const { scale, zeroPoint } = rangeToParams(constant, constant, format(id), { symmetric });
        const block = { scales: Float32Array.of(scale), zeroPoints: Int32Array.of(zeroPoint) };
        const codes = quantize(Float32Array.of(constant), blockShape([1]), block, format(id));
        expect(dequantize(codes, blockShape([1]), block, format(id))[0]).toBe(constant);
      }
    }
  });

  test.each([
    [Number.NaN, 1],
    [0, Infinity],
    [-Infinity, 0],
    [1, 0],
    [-1e60, 1e60],
  ])('[%d, %d] is refused', (min, max) => {
    expect(() => rangeToParams(min, max, format('int8'), { symmetric: true })).toThrow(RangeError);
  });

  test('every accepted range gives a normal positive scale and a zero point among the codes', () => {
    for (let e = -149; e <= 127; e++) {
      for (const [min, max] of [
        [0, 2 ** e],
        [-(2 ** e), 2 ** -e],
        [-(2 ** e), -(2 ** e) / 2],
      ]) {
        if (Math.abs(max) > 3e38 || min > max) continue;
        const { scale, zeroPoint } = rangeToParams(min, max, format('int8'), { symmetric: false });
        expect(scale >= NORMAL && Number.isFinite(scale) && f32(scale) === scale).toBe(true);
        expect(zeroPoint >= -128 && zeroPoint <= 127).toBe(true);
      }
    }
  });
});

describe('weightParams', () => {
  const int8 = format('int8');
  const rows = (list: number[][]) => Float32Array.from(list.flat());
  const scalesOf = (list: number[][], symmetric = true) =>
    weightParams(rows(list), blockShape([list.length, list[0].length], 0), int8, { symmetric }).scales;

  test.each([
    [
      'the largest magnitude of each channel',
      [
        [1, -2],
        [0.5, 0.1],
      ],
      [2 / 127, 0.5 / 127],
    ],
    [
      'a channel of zeros takes the median of the others',
      [
        [1, 1],
        [0, 0],
        [2, 0],
        [3, 0],
      ],
      [1 / 127, 2 / 127, 2 / 127, 3 / 127],
    ],
    [
      'nothing but zeros',
      [
        [0, 0],
        [0, -0],
      ],
      [1, 1],
    ],
    [
      'tiny channels keep 2^-20 of the largest step',
      [
        [127, 0],
        [1e-9, 0],
      ],
      [1, CHANNEL_FLOOR],
    ],
    ['small weights keep their scale where float16 would make them zero', [[0.007, 0.001]], [0.007 / 127]],
    ['a channel of subnormal values', [[2 ** -140, 0]], [1]],
    [
      'values that are not finite are left out',
      [
        [Number.NaN, 1],
        [Infinity, 2],
      ],
      [1 / 127, 2 / 127],
    ],
  ])('%s', (_, list, expected) => {
    expect(scalesOf(list)).toEqual(Float32Array.from(expected));
  });

  test('asymmetric weights use the whole grid', () => {
    const values = rows([
      [0, 2.55],
      [-1, 0],
    ]);
    const { scales, zeroPoints } = weightParams(values, blockShape([2, 2], 0), int8, { symmetric: false });
    expect(scales).toEqual(Float32Array.of(0.01, 1 / 255));
    expect([...zeroPoints]).toEqual([-128, 127]);
  });

  test('channels on the last axis', () => {
    const { scales } = weightParams(
      rows([
        [1, 20],
        [-2, 10],
      ]),
      blockShape([2, 2], 1),
      int8,
      { symmetric: true },
    );
    expect(scales).toEqual(Float32Array.of(2 / 127, 20 / 127));
  });

  test('values and shape that differ are refused', () => {
    expect(() => weightParams(new Float32Array(3), blockShape([4]), int8, { symmetric: true })).toThrow(
      RangeError,
    );
  });
});

describe('bias', () => {
  test('steps of the accumulator, ties to even, one scale or one a channel', () => {
    const bias = Float32Array.of(0.5, -1.5, 2.5);
    expect(quantizeBias(bias, 0.5, Float32Array.of(2))).toEqual({
      values: Int32Array.of(0, -2, 2),
      scales: Float32Array.of(1),
    });
    expect(quantizeBias(bias, 0.5, Float32Array.of(2, 1, 0.5)).values).toEqual(Int32Array.of(0, -3, 10));
  });

  test.each([
    ['fits exactly', [2 ** 31 - 256], 1, [1], []],
    ['too large', [2 ** 32], 1, [1], [0]],
    ['too large in one channel', [1, -1e10, 1], 0.5, [1, 1, 1], [1]],
    ['one scale for all', [1, -1e10, 1], 0.5, [1], [0]],
    ['a scale that is no normal float32', [0, 1e-15], 2 ** -70, [2 ** -70, 1], [0]],
    ['a scale that vanishes', [1], 2 ** -120, [2 ** -120], [0]],
    ['no bias to speak of', [0, 0], 1, [1, 1], []],
  ])('overflow: %s', (_, b, inputScale, weightScales, channels) => {
    const bias = Float32Array.from(b);
    const scales = Float32Array.from(weightScales);
    const found = biasOverflow(bias, inputScale, scales);
    expect(found.map(({ channel }) => channel)).toEqual(channels);
    for (const { channel, factor } of found) scales[channel] *= factor;
    expect(biasOverflow(bias, inputScale, scales)).toEqual([]);
    const { values, scales: steps } = quantizeBias(bias, inputScale, scales);
    bias.forEach((x, i) => {
      const step = steps[steps.length === 1 ? 0 : i];
      // Half a step, and the rounding of b / s to float64.
      expect(Math.abs(values[i] * step - x)).toBeLessThanOrEqual(0.5 * step * (1 + 1e-9));
    });
  });

  test('scales that belong to another bias are refused', () => {
    expect(() => quantizeBias(new Float32Array(3), 1, new Float32Array(2))).toThrow(/2 weight scales/);
    expect(() => biasOverflow(new Float32Array(3), 1, new Float32Array(2))).toThrow(RangeError);
  });
});
