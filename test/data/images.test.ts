import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSamples } from '../../src/data/index.js';
import type { PreprocessOptions } from '../../src/data/types.js';
import type { ValueMeta } from '../../src/runtime/types.js';
import { all, codeOf, folder, input, npy, put } from './files.js';

const root = folder();
/** 2×2 RGB: red, green / blue, white. */
const PIXELS = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
const raw = (data: number[], width: number, height: number, channels: 1 | 3) =>
  sharp(Uint8Array.from(data), { raw: { width, height, channels } });

beforeAll(async () => {
  const png = await raw(PIXELS, 2, 2, 3).png().toBuffer();
  put(root, 'rgb/a.png', png);
  put(root, 'grey/a.png', await raw([10, 20, 30, 40], 2, 2, 1).toColourspace('b-w').png().toBuffer());
  put(
    root,
    'wide/a.png',
    await raw(
      Array.from({ length: 12 }, (_, i) => 20 * i),
      4,
      1,
      3,
    )
      .png()
      .toBuffer(),
  );
  put(root, 'alpha/a.png', await raw(PIXELS, 2, 2, 3).ensureAlpha(0.5).png().toBuffer());
  put(
    root,
    'turned/a.jpg',
    await raw([255, 255, 255, 0, 0, 0], 2, 1, 3)
      .jpeg({ quality: 100 })
      .withMetadata({ orientation: 6 })
      .toBuffer(),
  );
  for (const name of ['img10.png', 'img2.png', 'sub/img1.png', '.hidden.png', 'README.txt'])
    put(root, `many/${name}`, png);
  put(root, 'damaged/a.jpg', 'this is no image');
  put(root, 'cut/a.png', png.subarray(0, png.length - 30));
  put(root, 'nothing/labels.txt', '1');
  put(root, 'mixed/a.png', png);
  put(root, 'mixed/b.npy', npy([1], new Float32Array(1)));
});

const nchw = input('x', ['n', 3, 2, 2]);

interface Row {
  what: string;
  from: string;
  preprocess?: PreprocessOptions;
  input?: ValueMeta;
  /** The tensor's values, rounded to 4 digits, or the code of the error. */
  gives: number[] | string;
}

const ROWS: Row[] = [
  {
    what: 'planes of RGB',
    from: 'rgb',
    preprocess: { preset: 'raw' },
    gives: [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255],
  },
  {
    what: 'planes of BGR',
    from: 'rgb',
    preprocess: { preset: 'raw', color: 'bgr' },
    gives: [0, 0, 255, 255, 0, 255, 0, 255, 255, 0, 0, 255],
  },
  {
    what: 'channels last by the shape',
    from: 'rgb',
    preprocess: { preset: 'raw' },
    input: input('x', [1, 2, 2, 3]),
    gives: PIXELS,
  },
  { what: 'uint8 input', from: 'rgb', input: input('x', [1, 2, 2, 3], 'uint8'), gives: PIXELS },
  { what: 'unit is assumed for small inputs', from: 'rgb', gives: [1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1] },
  {
    what: 'pm1',
    from: 'rgb',
    preprocess: { preset: 'pm1' },
    gives: [1, -1, -1, 1, -1, 1, -1, 1, -1, -1, 1, 1],
  },
  {
    what: 'mean and deviation by channel',
    from: 'rgb',
    preprocess: { scale: 1 / 255, mean: [0.5, 0, 0], std: [0.5, 1, 2] },
    gives: [1, -1, -1, 1, 0, 1, 0, 1, 0, 0, 0.5, 0.5],
  },
  {
    what: 'an option over its preset',
    from: 'rgb',
    preprocess: { preset: 'pm1', std: 255, mean: 0 },
    gives: [1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1],
  },
  {
    what: 'caffe subtracts by BGR channel',
    from: 'rgb',
    preprocess: { preset: 'imagenet-caffe', resize: 'exact' },
    gives: [
      -103.939, -103.939, 151.061, 151.061, -116.779, 138.221, -116.779, 138.221, 131.32, -123.68, -123.68,
      131.32,
    ],
  },
  {
    what: 'grey by ITU-R 601',
    from: 'rgb',
    preprocess: { preset: 'raw' },
    input: input('x', [1, 1, 2, 2]),
    gives: [76, 150, 29, 255],
  },
  {
    what: 'grey image, grey input',
    from: 'grey',
    preprocess: { preset: 'raw' },
    input: input('x', [1, 1, 2, 2]),
    gives: [10, 20, 30, 40],
  },
  {
    what: 'grey image, RGB input',
    from: 'grey',
    preprocess: { preset: 'raw' },
    gives: [10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40],
  },
  {
    what: 'flattened input',
    from: 'grey',
    preprocess: { preset: 'raw' },
    input: input('x', ['n', 4]),
    gives: [10, 20, 30, 40],
  },
  {
    what: 'alpha is dropped',
    from: 'alpha',
    preprocess: { preset: 'raw' },
    gives: [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255],
  },
  {
    what: 'upright by EXIF',
    from: 'turned',
    preprocess: { preset: 'raw' },
    input: input('x', [1, 1, 2, 1]),
    gives: [255, 0],
  },
  {
    what: 'centre crop',
    from: 'wide',
    preprocess: { resize: 'short', shortSide: 1 },
    input: input('x', [1, 3, 1, 1]),
    gives: [120, 140, 160],
  },
  {
    what: 'letterbox pads below',
    from: 'wide',
    preprocess: { resize: 'letterbox', pad: 7 },
    input: input('x', [1, 4, 4, 3]),
    gives: [...Array.from({ length: 12 }, (_, i) => 20 * i), ...Array(36).fill(7)],
  },
  {
    what: 'own size of an open input',
    from: 'wide',
    preprocess: { preset: 'raw' },
    input: input('x', [1, 'h', 'w', 3]),
    gives: Array.from({ length: 12 }, (_, i) => 20 * i),
  },
  { what: 'no resizing wanted', from: 'wide', preprocess: { resize: 'none' }, gives: 'SAMPLE_SHAPE' },
  { what: 'mean of the wrong length', from: 'rgb', preprocess: { mean: [1, 2] }, gives: 'PREPROCESS' },
  {
    what: 'scaled integers',
    from: 'rgb',
    preprocess: { preset: 'unit' },
    input: input('x', [1, 3, 2, 2], 'uint8'),
    gives: 'PREPROCESS',
  },
  {
    what: 'a short side below the crop',
    from: 'rgb',
    preprocess: { resize: 'short', shortSide: 1 },
    gives: 'PREPROCESS',
  },
  { what: 'an input that is no image', from: 'rgb', input: input('x', [1, 7]), gives: 'SAMPLE_SHAPE' },
  { what: 'no image', from: 'damaged', gives: 'SAMPLE_IMAGE' },
  { what: 'half an image', from: 'cut', gives: 'SAMPLE_IMAGE' },
  { what: 'no samples', from: 'nothing', gives: 'SAMPLES_EMPTY' },
  { what: 'two kinds', from: 'mixed', gives: 'SAMPLES_MIXED' },
  { what: 'no such folder', from: 'absent', gives: 'SAMPLES_NOT_FOUND' },
];

describe('images', () => {
  it.each(ROWS)('$from: $what', async (row) => {
    const read = async () => {
      const source = await openSamples({ from: [`${root}/${row.from}`], preprocess: row.preprocess }, [
        row.input ?? nchw,
      ]);
      return (await all(source)).flatMap((s) =>
        [...(s.feeds.x.data as Float32Array)].map((v) => Number(v.toFixed(4))),
      );
    };
    if (typeof row.gives === 'string') expect(await codeOf(read)).toBe(row.gives);
    else expect(await read()).toEqual(row.gives);
  });

  it('come in natural order, from subfolders too, without hidden and foreign files', async () => {
    const source = await openSamples({ from: [`${root}/many`] }, [nchw]);
    expect(source.ids?.()).toEqual(['img2.png', 'img10.png', 'sub/img1.png']);
    expect(source.description).toMatch(/^3 images in /);
    expect((await all(source)).map((s) => s.index)).toEqual([0, 1, 2]);
  });

  it('without preprocessing say what is assumed', async () => {
    const big = input('x', [1, 3, 224, 224]);
    const said = async (i: ValueMeta, preprocess?: PreprocessOptions) =>
      (await openSamples({ from: [`${root}/rgb`], preprocess }, [i])).diagnostics?.map(
        (d) => d.message.split('"')[1],
      );
    expect(await said(big)).toEqual(['imagenet-torch']);
    expect(await said(nchw)).toEqual(['unit']);
    expect(await said(nchw, { preset: 'raw' })).toEqual([]);
  });

  it('as uint8 arrays go the same way', async () => {
    const path = put(root, 'nhwc.npy', npy([1, 2, 2, 3], Uint8Array.from(PIXELS), { descr: '|u1' }));
    const read = async (preprocess?: PreprocessOptions) => [
      ...((await all(await openSamples({ from: [path], preprocess }, [nchw])))[0].feeds.x
        .data as Float32Array),
    ];
    expect(await read()).toEqual([255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255]);
    expect(await read({ preset: 'unit' })).toEqual([1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
  });
});
