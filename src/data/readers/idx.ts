import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { invalidError } from '../../errors.js';
import type { Dtype } from '../../ir/dtypes.js';
import { elementCount } from '../../ir/tensor.js';
import { arrayTable } from '../arrays.js';
import { type ByteRange, fileBytes, unpack } from '../bytes.js';
import { elementBytes } from '../convert.js';
import type { StoredArray } from '../npy.js';
import { concat, type Table } from '../table.js';
import { onlyInput } from './single.js';
import type { Reader, SampleFile } from './types.js';

/** The third byte of an IDX file; elements are big-endian. */
const DTYPES: Record<number, Dtype> = {
  8: 'uint8',
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};

export const idx: Reader = {
  id: 'idx',
  description: 'IDX arrays, the format of MNIST (train-images-idx3-ubyte, .idx, also .gz)',
  accepts: (name) => /(idx\d-ubyte|\.idx)(\.gz)?$/.test(name),
  async open(files, request) {
    const input = onlyInput(request, files[0].label);
    const tables: Table[] = [];
    for (const file of files) tables.push(arrayTable(await openIdx(file), input, file.label));
    return concat(tables);
  },
};

/** @throws IDX_HEADER, IDX_SIZE (invalid) naming the file */
export async function openIdx({ path, label }: SampleFile): Promise<StoredArray> {
  const bytes = path.endsWith('.gz') ? await gunzipped(path, label) : await fileBytes(path);
  const head = Buffer.from(await bytes.read(0, Math.min(bytes.size, 4)));
  const dtype = head.length === 4 && head.readUInt16BE(0) === 0 ? DTYPES[head[2]] : undefined;
  const start = 4 + 4 * head[3];
  if (!dtype || start > bytes.size)
    throw invalidError('IDX_HEADER', `"${label}" does not start as an IDX file does`, {
      where: { file: label },
    });
  const sizes = Buffer.from(await bytes.read(4, start - 4));
  const dims = Array.from({ length: head[3] }, (_, axis) => sizes.readUInt32BE(4 * axis));
  const declared = elementCount(dims) * elementBytes(dtype);
  if (declared !== bytes.size - start)
    throw invalidError(
      'IDX_SIZE',
      `"${label}" declares ${dims.join('×')} ${dtype} and holds ${bytes.size - start} bytes`,
      { where: { file: label }, hint: 'The file is truncated or damaged.' },
    );
  return { dtype, dims, bytes, start, swap: elementBytes(dtype) > 1 };
}

async function gunzipped(path: string, label: string): Promise<ByteRange> {
  await stat(path);
  try {
    const file = createReadStream(path);
    const unpacked = file.pipe(createGunzip());
    file.on('error', (cause) => unpacked.destroy(cause));
    return await unpack(unpacked, `"${label}"`);
  } catch (cause) {
    throw invalidError('IDX_HEADER', `"${label}" cannot be unpacked`, { where: { file: label }, cause });
  }
}
