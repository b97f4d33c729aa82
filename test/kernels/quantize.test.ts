import { describe, expect, test } from 'vitest';
import { format } from '../../kernels/formats.js';
import { blockShape, dequantize, fakeQuantize, quantize, roundHalfEven } from '../../kernels/quantize.js';
import { createKernels } from '../../kernels/wasm.js';

const kernels = createKernels(1 << 16);
const one = (n: number) => ({ outer: 1, channels: 1, inner: n });
const params = (scale: number, zeroPoint: number) => ({
  scales: Float32Array.of(scale),
  zeroPoints: Int32Array.of(zeroPoint),
});

test.each([
  [0.5, 0],
  [1.5, 2],
  [2.5, 2],
  [-0.5, 0],
  [-1.5, -2],
  [-2.5, -2],
  [0.49999999999999994, 0],
  [4503599627370495.5, 4503599627370496],
  [4503599627370493.5, 4503599627370494],
  [-2251799813685249.5, -2251799813685250],
  [9007199254740991, 9007199254740991],
  [-1e300, -1e300],
  [Infinity, Infinity],
  [-Infinity, -Infinity],
  [Number.NaN, Number.NaN],
])('roundHalfEven(%d) = %d', (x, expected) => expect(roundHalfEven(x) + 0).toBe(expected));

/** onnxruntime's answers for scale 1; NaN is the lowest code there. */
const X = [
  -1000,
  -2.5,
  -1.5,
  -0.5,
  0,
  0.5,
  1.5,
  2.5,
  3.5,
  6.5,
  7.5,
  100,
  127.5,
  200,
  1e9,
  NaN,
  Infinity,
  -Infinity,
];
const ORT: [string, number, number[]][] = [
  ['int8', 3, [-131, -2, -2, 0, 0, 0, 2, 2, 4, 6, 8, 100, 124, 124, 124, -131, 124, -131]],
  ['uint8', 0, [0, 0, 0, 0, 0, 0, 2, 2, 4, 6, 8, 100, 128, 200, 255, 0, 255, 0]],
];
test.each(ORT)('golden: %s with zero point %i', (id, zeroPoint, expected) => {
  const x = Float32Array.from(X);
  const wanted = Float32Array.from(expected);
  const row = format(id);
  expect(fakeQuantize(x, one(x.length), params(1, zeroPoint), row)).toEqual(wanted);
  expect(kernels.fakeQuantize(x, one(x.length), params(1, zeroPoint), row)).toEqual(wanted);
});

test('int32 saturates and dequantizes by way of float32', () => {
  const row = format('int32');
  const x = Float32Array.of(3e9, -3e9, 16777217, 2.5, NaN);
  const q = quantize(x, one(5), params(1, 0), row);
  expect([...q]).toEqual([2147483647, -2147483648, 16777216, 2, -2147483648]);
  expect(dequantize(Int32Array.of(16777217), one(1), params(1, 0), row)[0]).toBe(16777216);
});

describe('blockShape', () => {
  test.each([
    ['per tensor', [2, 3, 4], undefined, [1, 1, 24]],
    ['axis 0', [2, 3, 4], 0, [1, 2, 12]],
    ['axis 1', [2, 3, 4], 1, [2, 3, 4]],
    ['the last axis from the end', [2, 3, 4], -1, [6, 4, 1]],
    ['a scalar', [], undefined, [1, 1, 1]],
    ['an empty tensor', [0, 3], 1, [0, 3, 1]],
  ])('%s of %j', (_, dims, axis, [outer, channels, inner]) => {
    expect(blockShape(dims, axis)).toEqual({ outer, channels, inner });
  });
  test.each([[2], [-3], [0.5]])('axis %d of a matrix is refused', (axis) => {
    expect(() => blockShape([2, 3], axis)).toThrow(`axis ${axis} of a tensor of rank 2`);
  });
});
