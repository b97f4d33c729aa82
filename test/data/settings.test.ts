import { describe, expect, it } from 'vitest';
import { PRESETS, parsePreprocess, READERS, readLabels, readPreprocess } from '../../src/data/index.js';
import { PREPROCESS_FIELDS } from '../../src/data/preprocess-file.js';
import { QuantizeError } from '../../src/errors.js';
import { floatToHalf } from '../../src/ir/half.js';
import { halfToFloat } from '../../src/ir/tensor.js';
import { codeOf, folder, npy, put } from './files.js';

const root = folder();

describe('preprocessing options', () => {
  it.each([
    [{}, 'fine'],
    [{ preset: 'imagenet-torch', size: [224, 224], mean: 0.5, std: [1, 1, 1] }, 'fine'],
    [{ preset: 'imagenet' }, '"preset" takes'],
    [{ men: [1] }, 'Did you mean "mean"?'],
    [{ constructor: 1 }, 'Known fields'],
    [{ mean: 'high' }, '"mean" takes'],
    [{ scale: 0 }, '"scale" takes'],
    [{ pad: 256 }, '"pad" takes'],
    [{ cropFraction: 0 }, '"cropFraction" takes'],
    [{ size: [224] }, '"size" takes'],
    [[], undefined],
    [null, undefined],
  ])('%j: %s', (json, says) => {
    try {
      parsePreprocess(json);
      expect(says).toBe('fine');
    } catch (error) {
      expect(error).toBeInstanceOf(QuantizeError);
      expect((error as QuantizeError).code).toBe('PREPROCESS_FILE');
      if (says) expect((error as QuantizeError).hint).toContain(says);
    }
  });

  it('come from a file', async () => {
    expect(readPreprocess(put(root, 'a.json', '{"preset":"pm1"}'))).toEqual({ preset: 'pm1' });
    const damaged = put(root, 'b.json', '{');
    expect(await codeOf(() => readPreprocess(damaged))).toBe('PREPROCESS_FILE');
  });
});

describe('registries', () => {
  it.each(PRESETS.map((preset) => [preset.id, preset]))('preset %s is valid', (_, preset) => {
    for (const [key, value] of Object.entries(preset.options))
      expect(PREPROCESS_FIELDS[key as keyof typeof PREPROCESS_FIELDS].valid(value)).toBe(true);
    expect(preset.description.length).toBeGreaterThan(5);
  });

  it('have unique ids', () => {
    for (const rows of [PRESETS, READERS]) expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
  });
});

describe('labels', () => {
  const ids = ['b.jpg', 'dir/a.jpg'];
  it.each([
    ['header.tsv', 'file\tindex\tname\na.jpg\t3\tcat\nb.jpg\t7\tdog\n', [7, 3]],
    ['other order.csv', 'label,filename\n3,"a.jpg"\n7,b.jpg\n', [7, 3]],
    ['no header.csv', 'dir/a.jpg,3\r\nb.jpg,7\r\n', [7, 3]],
    ['spaces.txt', 'a.jpg 3\nb.jpg 7\n', [7, 3]],
    ['plain.txt', '5\n6\n', [5, 6]],
    ['bytes.bin', Uint8Array.of(5, 6), [5, 6]],
    ['ints.npy', npy([2], BigInt64Array.of(5n, 6n), { descr: '<i8' }), [5, 6]],
    ['labels-idx1-ubyte', Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 6), [5, 6]],
    ['floats.npy', npy([2], Float32Array.of(5, 6)), 'LABELS_FORMAT'],
    ['short.txt', '5\n', 'LABELS_COUNT'],
    ['unknown.tsv', 'file\tindex\na.jpg\t3\n', 'LABELS_MISSING'],
    ['no number.csv', 'file,index\na.jpg,cat\n', 'LABELS_FORMAT'],
    ['no column.csv', 'file,breed\na.jpg,cat\n', 'LABELS_FORMAT'],
    ['empty.txt', '\n', 'LABELS_FORMAT'],
  ])('%s', async (name, bytes, gives) => {
    const path = put(root, name, bytes);
    if (typeof gives === 'string') expect(await codeOf(() => readLabels(path, ids))).toBe(gives);
    else expect(await readLabels(path, ids)).toEqual(gives);
  });

  it('say how many are missing', async () => {
    const path = put(root, 'x.tsv', 'file\tindex\na.jpg\t3\n');
    await expect(readLabels(path, ['b.jpg', 'c.jpg', 'a.jpg'])).rejects.toThrow('no label for 2 of 3');
  });

  it('are picked by position from a cut set', async () => {
    const path = put(root, 'cut.txt', '1\n2\n3\n4\n');
    expect(await readLabels(path, ['x[2]', 'x[3]'], [2, 3])).toEqual([3, 4]);
  });
});

describe('floatToHalf', () => {
  it('inverts halfToFloat on every half', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfToFloat(bits);
      if (!Number.isNaN(value)) expect(floatToHalf(value)).toBe(bits);
    }
  });

  // Ties lie halfway between neighbours; a float32 ulp to either side decides otherwise.
  it.each([
    ['tie to even below', 1 + 2 ** -11, 0x3c00],
    ['tie to even above', 1 + 3 * 2 ** -11, 0x3c02],
    ['past the tie', 1 + 2 ** -11 + 2 ** -23, 0x3c01],
    ['largest before infinity', 65519.996, 0x7bff],
    ['tie at infinity', 65520, 0x7c00],
    ['half the smallest subnormal', 2 ** -25, 0],
    ['just above it', 2 ** -25 * (1 + 2 ** -23), 1],
    ['subnormal that rounds to normal', 2 ** -14 - 2 ** -26, 0x0400],
    ['infinity', Number.POSITIVE_INFINITY, 0x7c00],
    ['minus infinity', Number.NEGATIVE_INFINITY, 0xfc00],
    ['NaN', Number.NaN, 0x7e00],
    ['minus zero', -0, 0x8000],
  ])('%s', (_, value, bits) => expect(floatToHalf(value)).toBe(bits));
});
