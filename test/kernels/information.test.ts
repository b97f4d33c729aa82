import { describe, expect, test } from 'vitest';
import { blockShape } from '../../kernels/blocks.js';
import { format } from '../../kernels/formats.js';
import { elementOf, weightGrid } from '../../kernels/grid.js';
import { codeInformation, entropyOf } from '../../kernels/information.js';
import { createKernels } from '../../kernels/wasm.js';
import { normals } from './values.js';

const kernels = createKernels(1 << 20);
const one = (n: number) => ({ outer: 1, channels: 1, inner: n });
const grid = (scale: number, zeroPoint = 0) => ({
  scales: Float32Array.of(scale),
  zeroPoints: Int32Array.of(zeroPoint),
});

test.each([
  [[1, 1], 1],
  [[1, 1, 1, 1, 0, 0], 2],
  [[5], 0],
  [[], 0],
  [[3, 1], 0.811278],
])('the entropy of %j is %d bits', (counts, bits) => expect(entropyOf(counts)).toBeCloseTo(bits, 6));

test('codes counted by hand: int2 at scale 1', () => {
  // 0.4 → 0, 1.2 → 1, −2 → −2, 9 → 1 clipped, −1 → −1, 0 → 0, −2.6 → −2 clipped, 1 → 1.
  const x = Float32Array.of(0.4, 1.2, -2, 9, -1, 0, -2.6, 1);
  const found = codeInformation(x, one(8), grid(1), format('int2'));
  expect(found.clipped).toBe(2 / 8);
  expect(found.zeros).toBe(2 / 8);
  expect(found.entropy).toBeCloseTo(entropyOf([2, 3, 2, 1]), 10);
  expect(found.utilisation).toBeCloseTo(found.entropy / 2, 10);
  const noise = 0.4 ** 2 + 0.2 ** 2 + 8 ** 2 + 0.6 ** 2;
  const signal = x.reduce((a, v) => a + v * v, 0);
  expect(found.sqnr).toBeCloseTo(10 * Math.log10(signal / noise), 5);
});

describe('the divergence of codes from the values', () => {
  const x = normals(60_000, 1);
  const of = (id: string, block?: number) => {
    const shape = blockShape([x.length], block ? 0 : undefined, block);
    return codeInformation(x, shape, weightGrid(kernels, x, shape, id), elementOf(id));
  };
  test('falls with the bits', () => {
    const all = ['int2', 'int3', 'int4', 'int8'].map((id) => of(id).divergence);
    expect(all).toEqual([...all].sort((a, b) => b - a));
    expect(all[0]).toBeGreaterThan(0.3);
    // What is left of 8 bits is the chance of the samples: (bins − 1) / (2·n·ln 2) = 0.011 bits.
    expect(all[3]).toBeLessThan(0.02);
  });
  test('entropy is at most the bits, and more where the table fits', () => {
    const [lut, nf4, int4] = ['lut4', 'nf4', 'int4'].map((id) => of(id).entropy);
    expect(lut).toBeGreaterThan(int4);
    expect(lut).toBeLessThan(4);
    expect(nf4).toBeGreaterThan(int4);
  });
  test.each(['fp8', 'fp4', 'log4', 'pot4', 'lut3', 'nf4', 'bf16', 'fp16', 'int16', 'mxfp4', 'nvfp4'])(
    '%s has figures',
    (id) => {
      const found = of(id, id.startsWith('mx') ? 32 : id === 'nvfp4' ? 16 : undefined);
      for (const value of Object.values(found)) expect(value).toBeGreaterThanOrEqual(0);
      expect(found.clipped).toBeLessThan(0.02);
      expect(found.utilisation).toBeLessThanOrEqual(1);
    },
  );
});

test('a constant has one code, no entropy and no error', () => {
  const x = new Float32Array(10).fill(2);
  expect(codeInformation(x, one(10), grid(1), format('int8'))).toMatchObject({
    sqnr: Infinity,
    entropy: 0,
    clipped: 0,
    zeros: 0,
  });
});
