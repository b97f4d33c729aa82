import { describe, expect, it } from 'vitest';
import { FORMATS, type NumberFormat } from '../../kernels/formats.js';
import { type Codes, dequantize, quantize } from '../../kernels/quantize.js';
import { PYTHON, python, WITHOUT } from './python.js';

interface Case {
  name: string;
  values: Float32Array;
  scale: number;
  zeroPoint: number;
  format: NumberFormat;
}

const format = (id: string): NumberFormat => FORMATS.find((row) => row.id === id)!;
const bits = (values: Float32Array): number[] =>
  Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length));
const fromBits = (words: number[]): Float32Array => new Float32Array(Uint32Array.from(words).buffer);

/** The float32 numbers just below, at and just above x. */
function around(x: number): number[] {
  const word = bits(Float32Array.of(x))[0];
  return [...fromBits([Math.max(0, word - 1), word, word + 1])];
}

/** Values where a wrong rounding shows: codes and half-way points of the grid with both neighbours, and the ends. */
function aimed(scale: number): Float32Array {
  const values: number[] = [0, -0, 1.4e-45, -1.4e-45, 1.1754944e-38, 3.4028235e38, -3.4028235e38];
  for (let half = -600; half <= 600; half++) values.push(...around((half / 2) * scale));
  return Float32Array.from(values);
}

const SCALES = [1, 0.1, 1 / 3, 0.007874016, 1e-3, 2 ** -20, 1.1754944e-38, 3e30].map(Math.fround);
const CASES: Case[] = SCALES.flatMap((scale) =>
  [
    { format: format('int8'), zeroPoint: 0 },
    { format: format('int8'), zeroPoint: -128 },
    { format: format('int8'), zeroPoint: 17 },
    { format: format('uint8'), zeroPoint: 0 },
    { format: format('uint8'), zeroPoint: 128 },
    { format: format('int16'), zeroPoint: -5 },
    { format: format('uint16'), zeroPoint: 300 },
    { format: format('int4'), zeroPoint: 1 },
    { format: format('uint4'), zeroPoint: 7 },
    { format: format('int2'), zeroPoint: 0 },
    { format: format('uint2'), zeroPoint: 1 },
    { format: format('fp8'), zeroPoint: 0 },
    { format: format('fp8e5m2'), zeroPoint: 0 },
    { format: format('fp4'), zeroPoint: 0 },
  ].map((row) => ({
    ...row,
    name: `${row.format.id}, scale ${scale}, zero point ${row.zeroPoint}`,
    // Beyond 2^30 the evaluator's cast to int32 wraps before it saturates; onnxruntime judges those elsewhere.
    values: aimed(scale).filter((x) => Math.abs(x / scale) < 2 ** 30),
    scale,
  })),
);

interface Expected {
  q: number[];
  y: number[];
}

describe.skipIf(!PYTHON)(
  `Q/DQ equals the reference evaluator of onnx bit for bit${PYTHON ? '' : ` (${WITHOUT})`}`,
  async () => {
    const asked = CASES.map((c) => ({
      x: bits(c.values),
      scale: bits(Float32Array.of(c.scale))[0],
      zero_point: c.zeroPoint,
      dtype: c.format.dtype,
    }));
    const expected = PYTHON ? await python<Expected[]>('quantize_linear.py', [], JSON.stringify(asked)) : [];

    it.each(CASES.map((c, i) => ({ ...c, expected: expected[i] })))('$name', ({ values, expected, ...c }) => {
      const shape = { outer: 1, channels: 1, inner: values.length };
      const params = { scales: Float32Array.of(c.scale), zeroPoints: Int32Array.of(c.zeroPoint) };
      const codes: Codes = quantize(values, shape, params, c.format);
      // The evaluator drops the sign of x = −0 for float4e2m1, and keeps that of what rounds to it.
      const zero = (q: ArrayLike<number>) =>
        Array.from(q, (code) => (c.format.id === 'fp4' && code === 8 ? 0 : code));
      expect(zero(codes)).toEqual(zero(expected.q));
      // Plus and minus zero are the same number; everything else must have the same bits.
      expect(bits(dequantize(codes, shape, params, c.format).map((v) => v + 0))).toEqual(
        bits(fromBits(expected.y).map((v) => v + 0)),
      );
    });
  },
);
