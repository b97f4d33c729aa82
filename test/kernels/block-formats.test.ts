import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BLOCK_FORMATS, blockFormat, type ScaleRule } from '../../kernels/block-formats.js';
import { blockShape } from '../../kernels/blocks.js';
import { scaleCandidates } from '../../kernels/coded-scales.js';
import { format } from '../../kernels/formats.js';
import { elementOf, weightGrid } from '../../kernels/grid.js';
import { createKernels } from '../../kernels/wasm.js';
import { normals } from './values.js';

interface Golden {
  input: number[];
  cases: { format: string; rule: ScaleRule; tensorScale: number; scales: number[]; codes: number[] }[];
}
/** 64 values in blocks of 32 or 16, one an outlier and one zero; scales and codes by an independent NumPy program. */
const GOLDEN = JSON.parse(readFileSync(new URL('./golden/blocks.json', import.meta.url), 'utf8')) as Golden;
const kernels = createKernels(1 << 16);
const blocked = (id: string, n: number) => blockShape([n], 0, blockFormat(id).block);

test.each(GOLDEN.cases)('golden: $format with scales by $rule', (golden) => {
  const x = Float32Array.from(GOLDEN.input);
  const shape = blocked(golden.format, x.length);
  const grid = weightGrid(kernels, x, shape, golden.format, { scaleRule: golden.rule });
  expect([...grid.coded!.codes]).toEqual(golden.scales);
  expect(grid.coded!.tensorScale).toBe(golden.tensorScale);
  expect([...kernels.quantize(x, shape, grid, elementOf(golden.format))]).toEqual(golden.codes);
});

describe.each(BLOCK_FORMATS)('$id', (row) => {
  test.each(row.rules)('a block of zeros and tiny and huge blocks, scales by %s', (scaleRule) => {
    const n = 4 * row.block;
    const x = new Float32Array(n);
    const magnitudes = [0, 1e-36, 1, 1e38];
    // NVFP4's block scales reach over 2^17 only, below the largest block of the tensor.
    const spread = row.scale === 'fp8' ? [0, 1, 2 ** 10, 2 ** 14] : magnitudes;
    for (let i = 0; i < n; i++) x[i] = spread[Math.floor(i / row.block)] * Math.sin(1 + i);
    const shape = blocked(row.id, n);
    const grid = weightGrid(kernels, x, shape, row.id, { scaleRule });
    const back = kernels.fakeQuantize(x, shape, grid, elementOf(row.id));
    expect([...back.subarray(0, row.block)].map(Math.abs)).toEqual(Array(row.block).fill(0));
    const errors = kernels.groupErrors(x, back, shape);
    const squares = kernels.groupErrors(x, new Float32Array(n), shape);
    // The worst of them, E3M2, has 25 dB on noise; a sine ends in saturation with the floor rule.
    for (const block of [1, 2, 3]) expect(errors[block] / squares[block]).toBeLessThan(10 ** -1.3);
  });

  test('the better of the candidates is taken, block by block', () => {
    const x = normals(64 * row.block, 5);
    const shape = blocked(row.id, x.length);
    const element = elementOf(row.id);
    const error = (params: Parameters<typeof kernels.fakeQuantize>[2]) =>
      kernels.groupErrors(x, kernels.fakeQuantize(x, shape, params, element), shape);
    const rule = row.rules.includes('best') ? 'best' : 'fourOverSix';
    const magnitudes = kernelsMagnitudes(x, row.block);
    const candidates = scaleCandidates(row, magnitudes, rule).map(error);
    const least = candidates[0].map((_, i) => Math.min(...candidates.map((c) => c[i])));
    expect([...error(weightGrid(kernels, x, shape, row.id, { scaleRule: rule }))]).toEqual([...least]);
    expect(candidates.some((c) => c.some((e, i) => e > least[i]))).toBe(true);
  });
});

const kernelsMagnitudes = (x: Float32Array, block: number): Float32Array =>
  Float32Array.from({ length: x.length / block }, (_, i) =>
    Math.max(...[...x.subarray(i * block, (i + 1) * block)].map(Math.abs)),
  );

test('MXINT8 counts in 64ths', () => {
  const x = new Float32Array(32).fill(1.5);
  x[1] = -1.984375;
  const shape = blocked('mxint8', 32);
  const grid = weightGrid(kernels, x, shape, 'mxint8');
  expect([grid.coded!.codes[0], grid.scales[0]]).toEqual([127, 1 / 64]);
  expect([...kernels.quantize(x, shape, grid, format('int8')).subarray(0, 2)]).toEqual([96, -127]);
});

test('a format does not have every scale rule', () =>
  expect(() =>
    weightGrid(kernels, new Float32Array(16), blocked('nvfp4', 16), 'nvfp4', { scaleRule: 'ceil' }),
  ).toThrow('nvfp4 has no scale rule "ceil"'));
test('an unknown block format is a bug', () =>
  expect(() => blockFormat('mxfp5')).toThrow('no block format "mxfp5"'));
