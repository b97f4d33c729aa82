import { describe, expect, test } from 'vitest';
import { blockShape, blockSize, pieces, scaleCount, scaleDims } from '../../kernels/blocks.js';
import { format } from '../../kernels/formats.js';
import { packCodes, unpackCodes } from '../../kernels/pack.js';
import { dequantize, quantize, weightParams } from '../../kernels/quantize.js';
import { createKernels } from '../../kernels/wasm.js';
import { normals } from './values.js';

const kernels = createKernels(1 << 16);

/** Scale index of element i by the definition of ONNX: the coordinates, that of the axis divided by the block. */
function scaleIndex(dims: number[], axis: number, block: number, i: number): number {
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const d = Math.floor(i / inner) % dims[axis];
  const o = Math.floor(i / (inner * dims[axis]));
  return (o * Math.ceil(dims[axis] / block) + Math.floor(d / block)) * inner + (i % inner);
}

const CASES: [string, number[], number, number][] = [
  ['the last axis', [5, 64], 1, 32],
  ['the last axis, a rest', [5, 70], 1, 32],
  ['the first axis of a matrix', [64, 7], 0, 16],
  ['the first axis, a rest', [65, 7], 0, 16],
  ['input channels of a convolution', [6, 40, 3, 3], 1, 32],
  ['blocks larger than the axis', [3, 10, 4], 1, 32],
  ['blocks of one', [3, 4], 1, 1],
  ['nothing', [0, 4], 1, 2],
];
describe('blocks', () => {
  test.each(CASES)('%s: %j along %i in %i', (_, dims, axis, block) => {
    const shape = blockShape(dims, axis, block);
    const n = blockSize(shape);
    expect(scaleDims(dims, axis, block).reduce((a, b) => a * b, 1)).toBe(scaleCount(shape));
    const groups = new Int32Array(n).fill(-1);
    for (const limit of [Number.POSITIVE_INFINITY, 50, 7]) {
      for (const piece of pieces(shape, limit)) {
        const size = piece.outer * piece.channels * piece.inner;
        expect(size).toBeLessThanOrEqual(limit);
        for (let i = 0; i < size; i++) {
          groups[piece.at + i] = piece.channel + (Math.floor(i / piece.inner) % piece.channels);
        }
      }
      expect([...groups]).toEqual(Array.from(groups, (_, i) => scaleIndex(dims, axis, block, i)));
    }
  });

  test.each(CASES)('%s: quantized with the scale of their block, plain and SIMD', (_, dims, axis, block) => {
    const shape = blockShape(dims, axis, block);
    const x = normals(blockSize(shape), 3);
    const row = format('int4');
    const params = weightParams(x, shape, row, { symmetric: true });
    const codes = quantize(x, shape, params, row);
    expect([...kernels.quantize(x, shape, params, row)]).toEqual([...codes]);
    const back = dequantize(codes, shape, params, row);
    expect([...kernels.dequantize(codes, shape, params, row)]).toEqual([...back]);
    for (let i = 0; i < x.length; i++) {
      const scale = params.scales[scaleIndex(dims, axis, block, i)];
      // Half a step, and the float32 rounding of x / s and of the scale near the largest value.
      expect(Math.abs(back[i] - x[i])).toBeLessThanOrEqual(scale * (0.5 + 1e-6));
    }
  });

  test.each([0, -1, 2.5])('blocks of %d are refused', (block) =>
    expect(() => blockShape([4], 0, block)).toThrow(`blocks of ${block} values`),
  );
});

describe('packing', () => {
  test.each([
    ['int4, the first in the low bits', [1, -2, 7], 4, true, [0xe1, 0x07]],
    ['uint4', [15, 0, 8], 4, false, [0x0f, 0x08]],
    ['int2', [1, -2, 0, -1, -2], 2, true, [0b11001001, 0b10]],
    ['3 bits over a byte border', [7, 0, 7, 1], 3, false, [0b11000111, 0b0011]],
    ['6 bits', [63, 1, 32], 6, false, [0b01111111, 0, 0b10]],
    ['bytes', [-1, 2], 8, true, [255, 2]],
    ['nothing', [], 4, true, []],
  ])('%s', (_, codes, bits, signed, bytes) => {
    const packed = packCodes(Int8Array.from(codes), bits);
    expect([...packed]).toEqual(bytes);
    expect([...unpackCodes(packed, codes.length, bits, signed)]).toEqual(codes);
  });
  test('too few bytes are refused', () =>
    expect(() => unpackCodes(new Uint8Array(1), 3, 4, true)).toThrow('1 bytes for 3 codes of 4 bits'));
});
