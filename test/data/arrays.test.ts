import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openSamples } from '../../src/data/index.js';
import type { SampleOptions } from '../../src/data/types.js';
import type { ValueMeta } from '../../src/runtime/types.js';
import { all, codeOf, folder, input, npy, npz, put } from './files.js';

const root = folder();
const f4 = Float32Array.of(1, 2, 3, 4, 5, 6);
const x = [input('x', ['n', 3])];

interface Row {
  what: string;
  name: string;
  bytes: Uint8Array | string;
  inputs?: ValueMeta[];
  options?: Partial<SampleOptions>;
  /** One line a sample, or the code of the error. */
  gives: string[] | string;
}

const idx = (dims: number[], data: number[]): Buffer => {
  const head = Buffer.from([0, 0, 8, dims.length, ...dims.flatMap((d) => [0, 0, d >> 8, d & 255])]);
  return Buffer.concat([head, Buffer.from(data)]);
};
const big = (values: number[]): Uint8Array => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, v] of values.entries()) bytes.writeFloatBE(v, 4 * i);
  return bytes;
};

const ROWS: Row[] = [
  {
    what: 'splits the first axis',
    name: 'a.npy',
    bytes: npy([2, 3], f4),
    gives: ['a.npy[0] x 1,3: 1,2,3', 'a.npy[1] x 1,3: 4,5,6'],
  },
  {
    what: 'adds the batch axis',
    name: 'b.npy',
    bytes: npy([3], f4.slice(0, 3)),
    gives: ['b.npy x 1,3: 1,2,3'],
  },
  {
    what: 'counts samples on an axis more',
    name: 'c.npy',
    bytes: npy([2, 1, 3], f4),
    gives: ['c.npy[0] x 1,3: 1,2,3', 'c.npy[1] x 1,3: 4,5,6'],
  },
  {
    what: 'keeps a fixed batch together',
    name: 'd.npy',
    bytes: npy([2, 3], f4),
    inputs: [input('x', [2, 3])],
    gives: ['d.npy[0] x 2,3: 1,2,3,4,5,6'],
  },
  {
    what: 'refuses a broken batch',
    name: 'e.npy',
    bytes: npy([3, 2], f4),
    inputs: [input('x', [2, 2])],
    gives: 'SAMPLE_SHAPE',
  },
  {
    what: 'reads Fortran order',
    name: 'f.npy',
    bytes: npy([2, 3], Float32Array.of(1, 4, 2, 5, 3, 6), { fortran: true }),
    gives: ['f.npy[0] x 1,3: 1,2,3', 'f.npy[1] x 1,3: 4,5,6'],
  },
  {
    what: 'swaps big-endian',
    name: 'g.npy',
    bytes: npy([1, 3], big([1, 2, 3]), { descr: '>f4' }),
    gives: ['g.npy[0] x 1,3: 1,2,3'],
  },
  {
    what: 'reads version 2',
    name: 'h.npy',
    bytes: npy([1, 3], f4.slice(3), { version: 2 }),
    gives: ['h.npy[0] x 1,3: 4,5,6'],
  },
  {
    what: 'reads version 3',
    name: 'h3.npy',
    bytes: npy([1, 3], f4.slice(3), { version: 3 }),
    gives: ['h3.npy[0] x 1,3: 4,5,6'],
  },
  {
    what: 'casts float64',
    name: 'i.npy',
    bytes: npy([3], Float64Array.of(0.5, 1, 2), { descr: '<f8' }),
    gives: ['i.npy x 1,3: 0.5,1,2'],
  },
  {
    what: 'casts float16',
    name: 'i16.npy',
    bytes: npy([3], Uint16Array.of(0x3c00, 0xc000, 0x0001), { descr: '<f2' }),
    gives: [`i16.npy x 1,3: 1,-2,${2 ** -24}`],
  },
  {
    what: 'casts int64 to float',
    name: 'j.npy',
    bytes: npy([3], BigInt64Array.of(1n, -2n, 3n), { descr: '<i8' }),
    gives: ['j.npy x 1,3: 1,-2,3'],
  },
  {
    what: 'keeps integers exact',
    name: 'k.npy',
    bytes: npy([3], Uint8Array.of(0, 7, 255), { descr: '|u1' }),
    inputs: [input('x', ['n', 3], 'int64')],
    gives: ['k.npy x 1,3: 0,7,255'],
  },
  {
    what: 'refuses floats for integers',
    name: 'l.npy',
    bytes: npy([3], f4.slice(3)),
    inputs: [input('x', ['n', 3], 'int32')],
    gives: 'SAMPLE_DTYPE',
  },
  {
    what: 'refuses integers out of range',
    name: 'm.npy',
    bytes: npy([3], Int32Array.of(1, 2, 300), { descr: '<i4' }),
    inputs: [input('x', ['n', 3], 'uint8')],
    gives: 'SAMPLE_DTYPE',
  },
  {
    what: 'reads a scalar',
    name: 's.npy',
    bytes: npy([], BigInt64Array.of(16000n), { descr: '<i8' }),
    inputs: [input('sr', [], 'int64')],
    gives: ['s.npy sr : 16000'],
  },
  {
    what: 'leaves open sizes open',
    name: 'v.npy',
    bytes: npy([6], f4),
    inputs: [input('x', ['n', 'length'])],
    gives: ['v.npy x 1,6: 1,2,3,4,5,6'],
  },
  { what: 'refuses another shape', name: 'n.npy', bytes: npy([3, 2], f4), gives: 'SAMPLE_SHAPE' },
  {
    what: 'refuses a truncated file',
    name: 'o.npy',
    bytes: npy([2, 3], f4).subarray(0, 90),
    gives: 'NPY_SIZE',
  },
  { what: 'refuses bytes too many', name: 'p.npy', bytes: npy([1, 3], f4), gives: 'NPY_SIZE' },
  {
    what: 'refuses 10⁹ declared elements',
    name: 'q.npy',
    bytes: npy([1_000_000_000, 3], f4),
    gives: 'NPY_SIZE',
  },
  { what: 'refuses sizes beyond 2⁵³', name: 'q2.npy', bytes: npy([2 ** 40, 2 ** 40], f4), gives: 'NPY_SIZE' },
  { what: 'refuses Python objects', name: 'r.npy', bytes: npy([1], f4, { descr: '|O' }), gives: 'NPY_DTYPE' },
  { what: 'refuses text', name: 'r2.npy', bytes: npy([1], f4, { descr: '<U8' }), gives: 'NPY_DTYPE' },
  {
    what: 'refuses what is no array',
    name: 't.npy',
    bytes: 'hello, world, this is text',
    gives: 'NPY_HEADER',
  },
  { what: 'refuses an empty file', name: 'u.npy', bytes: '', gives: 'NPY_HEADER' },
  {
    what: 'refuses a lying header length',
    name: 'w.npy',
    bytes: Buffer.from('\x93NUMPY\x01\x00\xff\xff{}', 'latin1'),
    gives: 'NPY_HEADER',
  },
  {
    what: 'takes arrays by key',
    name: 'a.npz',
    bytes: npz({ y: npy([2, 3], f4), x: npy([2, 3], f4) }),
    gives: ['a.npz:x[0] x 1,3: 1,2,3', 'a.npz:x[1] x 1,3: 4,5,6'],
  },
  {
    what: 'takes the only array',
    name: 'b.npz',
    bytes: npz({ whatever: npy([1, 3], f4.slice(3)) }, 6),
    gives: ['b.npz[0] x 1,3: 4,5,6'],
  },
  {
    what: 'takes arrays by position',
    name: 'c.npz',
    bytes: npz({ arr_1: npy([1, 1], f4.slice(1, 2)), arr_0: npy([1, 3], f4.slice(3)) }),
    inputs: [...x, input('y', [1, 1])],
    gives: ['c.npz:arr_0[0] x 1,3: 4,5,6 y 1,1: 2'],
  },
  {
    what: 'names the keys it has',
    name: 'd.npz',
    bytes: npz({ xx: npy([1, 3], f4.slice(3)), q: npy([1, 1], f4.slice(5)) }),
    gives: 'SAMPLE_KEYS',
  },
  {
    what: 'refuses different counts',
    name: 'e.npz',
    bytes: npz({ x: npy([2, 3], f4), y: npy([3, 1], f4.slice(3)) }),
    inputs: [...x, input('y', [1, 1])],
    gives: 'SAMPLE_COUNT',
  },
  {
    what: 'refuses a truncated archive',
    name: 'f.npz',
    bytes: npz({ x: npy([2, 3], f4) }).subarray(0, 120),
    gives: 'NPZ_DAMAGED',
  },
  {
    what: 'refuses what is no archive',
    name: 'g.npz',
    bytes: 'PK but not really an archive at all',
    gives: 'NPZ_DAMAGED',
  },
  {
    what: 'raw with a shape',
    name: 'a.bin',
    bytes: new Uint8Array(f4.buffer),
    options: { dtype: 'float32', shape: [3] },
    gives: ['a.bin[0] x 1,3: 1,2,3', 'a.bin[1] x 1,3: 4,5,6'],
  },
  {
    what: 'raw with the shape of the input',
    name: 'b.bin',
    bytes: new Uint8Array(f4.buffer),
    gives: ['b.bin[0] x 1,3: 1,2,3', 'b.bin[1] x 1,3: 4,5,6'],
  },
  {
    what: 'raw that does not divide',
    name: 'c.bin',
    bytes: new Uint8Array(10),
    options: { dtype: 'float32', shape: [3] },
    gives: 'RAW_SIZE',
  },
  {
    what: 'raw pixels that nobody called so',
    name: 'e.bin',
    bytes: Uint8Array.from({ length: 24 }, () => 255),
    gives: 'RAW_DTYPE',
  },
  {
    what: 'raw without a shape',
    name: 'd.bin',
    bytes: new Uint8Array(12),
    inputs: [input('x', ['n', 'm'])],
    gives: 'RAW_SHAPE',
  },
  {
    what: 'MNIST files',
    name: 'a-idx3-ubyte',
    bytes: idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
    inputs: [input('x', [1, 1, 2, 2])],
    gives: ['a-idx3-ubyte[0] x 1,1,2,2: 1,2,3,4', 'a-idx3-ubyte[1] x 1,1,2,2: 5,6,7,8'],
  },
  {
    what: 'gzip of them',
    name: 'b-idx2-ubyte.gz',
    bytes: gzipSync(idx([1, 3], [7, 8, 9])),
    gives: ['b-idx2-ubyte.gz[0] x 1,3: 7,8,9'],
  },
  { what: 'IDX that lies', name: 'c-idx2-ubyte', bytes: idx([500, 3], [7, 8, 9]), gives: 'IDX_SIZE' },
  { what: 'IDX that is none', name: 'd-idx2-ubyte', bytes: 'not idx at all', gives: 'IDX_HEADER' },
  { what: 'gzip that is none', name: 'e-idx2-ubyte.gz', bytes: 'not gzip', gives: 'IDX_HEADER' },
  {
    what: 'offset and limit',
    name: 'z.npy',
    bytes: npy([6, 1], f4),
    inputs: [input('x', ['n', 1])],
    options: { offset: 2, limit: 2 },
    gives: ['z.npy[2] x 1,1: 3', 'z.npy[3] x 1,1: 4'],
  },
  {
    what: 'an offset beyond the end',
    name: 'z1.npy',
    bytes: npy([6, 1], f4),
    inputs: [input('x', ['n', 1])],
    options: { offset: 6 },
    gives: 'SAMPLES_EMPTY',
  },
  {
    what: 'a limit of zero',
    name: 'z2.npy',
    bytes: npy([6, 1], f4),
    options: { limit: 0 },
    gives: 'SAMPLE_LIMIT',
  },
  { what: 'an unknown format', name: 'notes.doc', bytes: 'x', gives: 'SAMPLES_FORMAT' },
];

const lines = async (path: string, row: Row) => {
  const source = await openSamples({ from: [path], ...row.options }, row.inputs ?? x);
  return (await all(source)).map(
    ({ id, feeds }) =>
      `${id} ${Object.entries(feeds)
        .map(([name, v]) => `${name} ${v.dims}: ${[...(v.data as Float32Array)]}`)
        .join(' ')}`,
  );
};

describe('array files', () => {
  it.each(ROWS)('$name: $what', async (row) => {
    const path = put(root, row.name, row.bytes);
    if (typeof row.gives === 'string') expect(await codeOf(() => lines(path, row))).toBe(row.gives);
    else expect(await lines(path, row)).toEqual(row.gives);
  });

  it('a zip bomb costs no more than it declares', async () => {
    const bomb = npz({ x: npy([1, 3], new Float32Array(3)) }, 6);
    // The central directory lies about the unpacked size: 4 GiB less one for a few bytes.
    const view = new DataView(bomb.buffer, bomb.byteOffset, bomb.length);
    for (let at = 0; at + 4 < bomb.length; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 0xfffffff0, true);
    const path = put(root, 'bomb.npz', bomb);
    expect(['NPZ_DAMAGED', 'NPY_SIZE']).toContain(
      await codeOf(() => lines(path, { what: '', name: '', bytes: '', gives: [] })),
    );
  });

  it('an entry that unpacks to more than it declares is refused', async () => {
    const inner = npy([1, 300_000], new Float32Array(300_000));
    const bomb = npz({ x: inner }, 6);
    const view = new DataView(bomb.buffer, bomb.byteOffset, bomb.length);
    for (let at = 0; at + 4 < bomb.length; at++)
      if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 1000, true);
    const path = put(root, 'bomb2.npz', bomb);
    expect(await codeOf(() => lines(path, { what: '', name: '', bytes: '', gives: [] }))).toBe('NPZ_DAMAGED');
  });
});
