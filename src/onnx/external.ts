import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { invalidError } from '../errors.js';
import { dtypeName, packedBytes } from '../ir/dtypes.js';
import type { ExternalBytes, StringEntry, Tensor } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import type { LazyBytes, Replace } from '../protobuf/encode.js';

/** TensorProto.DataLocation.EXTERNAL. */
export const EXTERNAL = 1;

/** One read call moves at most this much; the system call's own limit is just below 2 GiB. */
const READ_STEP = 2 ** 30;

/**
 * Finds the bytes of an external tensor inside the model's folder and checks that they are there and of the right
 * size. Nothing is read before `tensor.external.read()`. Tensors that are not external are left alone.
 * `mayLack`: a data file that does not exist is no error yet; reading the tensor will be (`absent`).
 * The `checksum` entry is kept but not verified: it covers the whole data file, and onnxruntime ignores it too.
 * @throws QuantizeError (invalid) EXTERNAL_DATA_LOCATION, EXTERNAL_DATA_MISSING, EXTERNAL_DATA_RANGE,
 * EXTERNAL_DATA_SIZE
 */
export function resolveExternal(tensor: Tensor, folder: string, mayLack = false): void {
  if (tensor.dataLocation !== EXTERNAL) return;
  const location = entry(tensor.externalData, 'location');
  if (!location) throw problem('LOCATION', tensor, 'has external data but no location');
  const path = plainPath(tensor, location);
  const file = mayLack && isMissing(join(folder, path)) ? undefined : insideFolder(tensor, folder, path);
  const size = file === undefined ? Number.MAX_SAFE_INTEGER : regularFile(tensor, file).size;
  const offset = number(tensor, 'offset') ?? 0;
  const needed = neededBytes(tensor);
  const length = number(tensor, 'length') ?? needed ?? size - offset;
  if (offset + length > size)
    throw problem('RANGE', tensor, `needs bytes ${offset} to ${offset + length} of a file of ${size}`, file);
  if (needed !== undefined && length !== needed)
    throw problem('SIZE', tensor, `states ${length} bytes where its shape needs ${needed}`, file);
  const range = { file: file ?? join(folder, path), offset, length };
  tensor.external = { ...range, ...(file === undefined && ABSENT), read: () => readRange(tensor, range) };
}

const ABSENT = { absent: true } as const;

/** No file, and no link to one either: a dangling link is damage. */
const isMissing = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) === undefined;

const entry = (entries: readonly StringEntry[], key: string): string | undefined =>
  entries.findLast((e) => e.key === key)?.value;

function number(tensor: Tensor, key: string): number | undefined {
  const text = entry(tensor.externalData, key);
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw problem('RANGE', tensor, `has the ${key} "${text}", which is not a byte count`);
}

/** Bytes that dims × data type take; undefined for a type of unknown size. */
function neededBytes(tensor: Tensor): number | undefined {
  const dtype = dtypeName(tensor.dataType);
  if (dtype === 'string') throw problem('SIZE', tensor, 'holds strings, which cannot be external');
  if (tensor.dims.some((d) => d < 0)) throw problem('SIZE', tensor, `has the shape ${tensor.dims.join('×')}`);
  return dtype && packedBytes(dtype, elementCount(tensor.dims));
}

/** `location` with the separators of this system; it must lead downwards. */
function plainPath(tensor: Tensor, location: string): string {
  const path = location.replaceAll('\\', '/');
  if (isAbsolute(path) || /^[a-z]:/i.test(path) || path.split('/').includes('..') || path.includes('\0'))
    throw outside(tensor, location);
  return path;
}

/** The real path of `path`, which must lie in `folder` after all links are followed. */
function insideFolder(tensor: Tensor, folder: string, path: string): string {
  try {
    const file = realpathSync(join(folder || '.', path));
    const inside = relative(realpathSync(folder || '.'), file);
    if (inside.split(sep)[0] === '..' || isAbsolute(inside)) throw outside(tensor, path);
    return file;
  } catch (cause) {
    throw isSystemError(cause) ? unreadable(tensor, join(folder, path), cause) : cause;
  }
}

function regularFile(tensor: Tensor, file: string): Stats {
  try {
    const stats = statSync(file);
    if (stats.isFile()) return stats;
  } catch (cause) {
    throw unreadable(tensor, file, cause);
  }
  throw problem('LOCATION', tensor, 'points to something that is not a regular file', file);
}

function readRange(tensor: Tensor, range: Omit<ExternalBytes, 'read'>): Uint8Array {
  const { file, offset, length } = range;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    if (offset + length > fstatSync(descriptor).size)
      throw problem('RANGE', tensor, 'lost its data: the file has become shorter', file);
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const read = readSync(descriptor, bytes, at, Math.min(READ_STEP, length - at), offset + at);
      if (read === 0) throw problem('RANGE', tensor, 'lost its data while it was read', file);
      at += read;
    }
    return bytes;
  } catch (cause) {
    if (cause instanceof RangeError)
      throw problem('SIZE', tensor, `of ${length} bytes does not fit memory`, file);
    throw isSystemError(cause) ? unreadable(tensor, file, cause) : cause;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** For the encoder: an external tensor as one that holds its bytes itself. */
export const inlineTensor: Replace = (_, message) => {
  const external = message.external as ExternalBytes | undefined;
  if (!external) return message;
  const rawData: LazyBytes = { length: external.length, read: external.read };
  return { ...message, rawData, dataLocation: undefined, externalData: [] };
};

const isSystemError = (cause: unknown): cause is NodeJS.ErrnoException =>
  cause instanceof Error && 'syscall' in cause;

const outside = (tensor: Tensor, location: string) =>
  problem('LOCATION', tensor, `points to "${location}", outside the model's folder`, location);

const unreadable = (tensor: Tensor, file: string, cause: unknown) =>
  problem('MISSING', tensor, `cannot be read: ${(cause as Error).message}`, file, cause);

const HINTS = {
  LOCATION: 'External data must be a plain file in the folder of the model; copy it there.',
  MISSING: 'Copy the data file beside the model, under the name that the model states.',
  RANGE: 'Was the data file copied whole, and does it belong to this model?',
  SIZE: 'Does the data file belong to this model?',
};

function problem(kind: keyof typeof HINTS, tensor: Tensor, what: string, file?: string, cause?: unknown) {
  return invalidError(`EXTERNAL_DATA_${kind}`, `tensor "${tensor.name ?? ''}" ${what}`, {
    where: { tensor: tensor.name, file },
    hint: HINTS[kind],
    cause,
  });
}
