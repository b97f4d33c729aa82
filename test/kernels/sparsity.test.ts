import { describe, expect, test } from 'vitest';
import { unpackCodes } from '../../kernels/pack.js';
import { formatBits } from '../../kernels/size.js';
import {
  magnitudeMask,
  packBitmap,
  packTwoFour,
  sparseBits,
  twoFourMask,
  unpackTwoFour,
} from '../../kernels/sparsity.js';
import { normals } from './values.js';

describe('masks', () => {
  test.each([
    ['half', [3, -4, 1, 0.5], 0.5, [1, 1, 0, 0]],
    ['the first of equal ones', [1, 1, 1, 1], 0.5, [1, 1, 0, 0]],
    ['none', [1, 2], 0, [0, 0]],
    ['all', [0, 0], 1, [1, 1]],
    ['nothing', [], 0.5, []],
  ])('magnitude: %s', (_, x, density, mask) =>
    expect([...magnitudeMask(Float32Array.from(x), density)]).toEqual(mask),
  );
  test.each([-0.1, 1.1, Number.NaN])('a density of %d is refused', (density) =>
    expect(() => magnitudeMask(new Float32Array(2), density)).toThrow(`a density of ${density}`),
  );

  test.each([
    ['the two largest of four', [1, -3, 2, 0, 5, 6, 7, 8], [8], 0, [0, 1, 1, 0, 0, 0, 1, 1]],
    ['the first of equal ones', [1, 1, 1, 1], [4], 0, [1, 1, 0, 0]],
    ['along the first axis', [1, 8, 2, 7, 3, 6, 4, 5], [4, 2], 0, [0, 1, 0, 1, 1, 0, 1, 0]],
    ['a rest', [1, 2, 3, 4, 9], [5], 0, [0, 0, 1, 1, 1]],
  ])('2:4: %s', (_, x, dims, axis, mask) =>
    expect([...twoFourMask(Float32Array.from(x), dims, axis)]).toEqual(mask),
  );
  test('2:4 by scores of one’s own', () =>
    expect([...twoFourMask(Float32Array.of(9, 8, 1, 1), [4], 0, Float32Array.of(0, 1, 2, 3))]).toEqual([
      0, 0, 1, 1,
    ]));
});

describe('packing 2:4', () => {
  test('by hand: places i0 | i1 << 2, eight groups a word', () => {
    const packed = packTwoFour(
      Int8Array.of(0, 5, -1, 0, 7, 0, 0, 0),
      Uint8Array.of(0, 1, 1, 0, 1, 0, 0, 0),
      [8],
      0,
      4,
    );
    // Groups (1, 2) and (0, and 1 as filler): 0b1001 and 0b0100.
    expect([...packed.indices]).toEqual([0x49]);
    expect([...packed.values]).toEqual([0xf5, 0x07]);
  });
  test.each([
    [[6, 40], 1],
    [[40, 6], 0],
    [[3, 10, 5], 1],
    [[7], 0],
  ])('%j along %i comes back', (dims, axis) => {
    const n = dims.reduce((a, b) => a * b, 1);
    const x = normals(n, 2);
    const mask = twoFourMask(x, dims, axis);
    const codes = Int8Array.from(x, (v, i) => (mask[i] ? Math.max(-8, Math.min(7, Math.round(v * 3))) : 0));
    const { values, indices } = packTwoFour(codes, mask, dims, axis, 4);
    const kept = unpackCodes(values, Math.floor(values.length * 2), 4, true);
    expect([...unpackTwoFour(kept, indices, dims, axis)]).toEqual([...codes]);
    expect(8 * (values.length + indices.byteLength)).toBe(sparseBits(mask, dims, axis, 4).twoFour);
  });
  test('three of four are refused', () =>
    expect(() => packTwoFour(new Int8Array(4), Uint8Array.of(1, 1, 1, 0), [4], 0, 8)).toThrow(
      '3 of four values at 0',
    ));
  test('codes of 16 bits are two bytes', () =>
    expect([
      ...packTwoFour(Int16Array.of(258, -1, 0, 0), Uint8Array.of(1, 1, 0, 0), [4], 0, 16).values,
    ]).toEqual([2, 1, 255, 255]));
});

describe('sizes', () => {
  const mask = twoFourMask(normals(1024, 1), [16, 64], 1);
  /** Of dense: (b / 2 + 1) / b. */
  test.each([
    [16, 0.5625],
    [8, 0.625],
    [4, 0.75],
  ])('2:4 of %i bits takes %d of dense', (bits, share) => {
    const { dense, twoFour } = sparseBits(mask, [16, 64], 1, bits);
    expect(twoFour / dense).toBe(share);
  });
  test('bitmap, rows and the bound', () => {
    const found = sparseBits(mask, [16, 64], 1, 8, 6);
    expect(found).toEqual({
      dense: 8192,
      twoFour: 5120,
      bitmap: 1024 + 4096,
      csr: 512 * (8 + 6) + 16 * 32,
      bound: 1024 + 512 * 6,
    });
    expect(8 * packBitmap(mask).length).toBe(1024);
  });

  test.each([
    ['int8', 64, 4, false, 64 * 8 + 4 * 32],
    ['uint4', 64, 2, true, 64 * 4 + 2 * 36],
    ['mxfp4', 64, 2, false, 64 * 4.25],
    ['nvfp4', 64, 4, false, 64 * 4.5 + 32],
    ['mxfp6', 64, 2, false, 64 * 6.25],
    ['lut4', 64, 1, false, 64 * 4 + 16 * 32],
    ['nf4', 64, 1, false, 64 * 4 + 32],
    ['bf16', 64, 1, false, 64 * 16],
  ])('%s: %i values in %i groups', (id, values, groups, asymmetric, bits) =>
    expect(formatBits(id, values, groups, asymmetric)).toBe(bits),
  );
});
