import { describe, expect, it } from 'vitest';
import { elementOf } from '../../kernels/grid.js';
import { unpackCodes } from '../../kernels/pack.js';
import { dequantize } from '../../kernels/quantize.js';
import { unpackTwoFour } from '../../kernels/sparsity.js';
import { encodeSidecar, packedSize, packedWeights } from '../../src/emit/index.js';
import { everyWeight, written } from './written.js';

/** The arrays of a safetensors file by name, and its metadata. */
function read(file: Uint8Array) {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const { __metadata__: metadata, ...entries } = JSON.parse(
    new TextDecoder().decode(file.subarray(8, 8 + length)),
  ) as Record<string, { data_offsets: [number, number]; shape: number[]; dtype: string }>;
  const data = (name: string) => {
    const [from, to] = entries[name].data_offsets;
    return file.slice(8 + length + from, 8 + length + to);
  };
  return { metadata: metadata as unknown as Record<string, string>, entries, data };
}

const packed = async (scheme: string, sparsity?: '2:4' | number) => {
  const { numbers } = await written(everyWeight(), scheme, { sparsity });
  const arrays = packedWeights(numbers);
  return { numbers, arrays, file: read(encodeSidecar(numbers, arrays)) };
};

describe('the packed sidecar', () => {
  it.each(['int4-block16', 'nvfp4', 'lut3-perchannel', 'fp16', 'uint4-block32'])(
    '%s: every code',
    async (scheme) => {
      const { numbers, file } = await packed(scheme);
      for (const { plan, codes } of numbers.weights) {
        const { bits, kind } = elementOf(plan.format);
        const signed = kind === 'integer' && plan.format.startsWith('i');
        const stored = file.data(`${plan.tensor}.codes`);
        const back =
          bits > 8 ? new Uint16Array(stored.buffer) : unpackCodes(stored, codes.length, bits, signed);
        expect(Array.from(back, Number)).toEqual(Array.from(codes, Number));
        expect(JSON.parse(file.metadata[plan.tensor])).toMatchObject({ format: plan.format });
      }
    },
  );

  it('2:4: two of four and their places give the sparse weight back', async () => {
    const { numbers, file } = await packed('int8-float-perchannel', '2:4');
    const sparse = numbers.weights.filter((w) => w.mask);
    // 45 and 5 values are not whole groups of four, depthwise filters and embeddings stay dense.
    expect(sparse.map((w) => w.plan.tensor)).toEqual(['g', 'm']);
    for (const { plan, dims, codes, mask } of sparse) {
      const kept = new Int8Array(file.data(`${plan.tensor}.codes`).buffer);
      const indices = new Uint32Array(file.data(`${plan.tensor}.indices`).buffer);
      expect(kept.length).toBe(codes.length / 2);
      expect(mask!.reduce((a, b) => a + b, 0)).toBe(codes.length / 2);
      expect(unpackTwoFour(kept, indices, dims, plan.sparsity!.axis)).toEqual(Int32Array.from(codes));
    }
  });

  it.each(['int4-block32', 'lut4-perlayer', 'uint4-block16', 'log4-perchannel'])(
    '%s with half of the values: what is left out is zero',
    async (scheme) => {
      const { numbers } = await packed(scheme, 0.5);
      for (const { plan, codes, shape, params, mask } of numbers.weights) {
        const values = dequantize(codes, shape, params, elementOf(plan.format));
        if (mask) expect(Math.round(codes.length / 2)).toBe(mask.reduce((a, b) => a + b, 0));
        if (mask) expect(values.filter((v, i) => !mask[i] && v !== 0)).toHaveLength(0);
      }
      expect(numbers.weights.filter((w) => w.mask).map((w) => w.plan.tensor)).toEqual(['k', 't', 'g', 'm']);
    },
  );

  it('counts exactly: bits of codes, scales and places', async () => {
    const { numbers, arrays } = await packed('int4-perchannel', '2:4');
    const count = (tensor: string) =>
      arrays.filter((a) => a.name.startsWith(`${tensor}.`)).reduce((sum, a) => sum + a.data.byteLength, 0);
    // 40 × 96: two of four in 4 bits, 960 groups of 4 bits of places, 40 scales.
    expect(count('g')).toBe((40 * 96) / 4 + 960 / 2 + 40 * 4);
    const { bytes, bitsPerWeight } = packedSize(numbers, arrays);
    const values = numbers.weights.reduce((sum, w) => sum + w.codes.length, 0);
    expect(bitsPerWeight).toBeCloseTo((8 * bytes) / values, 10);
  });
});

describe('stochastic rounding', () => {
  it('is the seed’s: the same again, another with another seed, never more than a step away', async () => {
    const codes = async (seed: number) =>
      (await written(everyWeight(), 'int4-block32', { rounding: 'stochastic', seed })).numbers.weights.map(
        (w) => Array.from(w.codes),
      );
    const nearest = (await written(everyWeight(), 'int4-block32')).numbers.weights.map((w) =>
      Array.from(w.codes),
    );
    expect(await codes(1)).toEqual(await codes(1));
    expect(await codes(1)).not.toEqual(await codes(2));
    for (const [i, row] of (await codes(1)).entries())
      for (const [j, code] of row.entries()) expect(Math.abs(code - nearest[i][j])).toBeLessThanOrEqual(1);
  });
});
