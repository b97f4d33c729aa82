import { invalidError, type QuantizeError, unsupportedError } from '../errors.js';
import { type Dtype, packedBytes } from '../ir/dtypes.js';
import { elementCount } from '../ir/tensor.js';
import { type ByteRange, memoryBytes } from './bytes.js';

/** An array on disk in C order: `bytes` from `start` hold elementCount(dims) little-endian elements. */
export interface StoredArray {
  dtype: Dtype;
  dims: number[];
  bytes: ByteRange;
  start: number;
  /** Elements are big-endian and are swapped when read. */
  swap: boolean;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** A header holds a dtype, a flag and a shape: a few hundred bytes; more is not one. */
const MAX_HEADER_BYTES = 65_536;
const MAX_RANK = 32;
/** A Fortran-ordered array is transposed in memory when it is opened. */
const MAX_FORTRAN_BYTES = 256 * 2 ** 20;

const DTYPES: Record<string, Dtype> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

export const isNpy = (head: Uint8Array): boolean => MAGIC.every((byte, i) => head[i] === byte);

/**
 * Opens a NumPy .npy array, versions 1 to 3 (format: numpy.lib.format). The declared size is checked against the
 * real one before anything is allocated.
 * @throws NPY_HEADER, NPY_SIZE (invalid), NPY_DTYPE, NPY_ORDER (unsupported), naming `file`
 */
export async function openNpy(bytes: ByteRange, file: string): Promise<StoredArray> {
  const head = await bytes.read(0, Math.min(12, bytes.size));
  if (head.length < 10 || !isNpy(head)) throw bad(file, 'does not start as a NumPy array does');
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const version = head[6];
  if (version < 1 || version > 3) throw bad(file, `has format version ${version}; 1 to 3 are known`);
  const prefix = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : head.length < 12 ? 0 : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES || prefix + length > bytes.size)
    throw bad(file, `declares a header of ${length} bytes`);
  const header = new TextDecoder().decode(await bytes.read(prefix, length));
  const { descr, fortran, dims } = parseHeader(header, file);
  const array = { ...elementType(descr, file), dims, bytes, start: prefix + length };
  checkSize(array, file);
  return fortran && dims.length > 1 ? fromFortran(array, file) : array;
}

function parseHeader(header: string, file: string) {
  const descr = /'descr'\s*:\s*(?:'([^']*)'|(\[))/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header);
  if (!descr || !order || !shape) throw bad(file, 'has a header without descr, fortran_order and shape');
  if (descr[2]) throw dtypeError(file, 'a structured type');
  const dims = shape[1]
    .split(',')
    .map((d) => d.trim().replace(/L$/, ''))
    .filter((d) => d !== '')
    .map(Number);
  if (dims.length > MAX_RANK || !dims.every(Number.isSafeInteger)) throw bad(file, 'has an impossible shape');
  return { descr: descr[1], fortran: order[1] === 'True', dims };
}

function elementType(descr: string, file: string): { dtype: Dtype; swap: boolean } {
  const parts = /^([<>|=]?)([a-zA-Z]\d+)$/.exec(descr);
  const dtype = parts && DTYPES[parts[2]];
  if (!dtype) throw dtypeError(file, `"${descr}"${descr.includes('O') ? ' (Python objects)' : ''}`);
  return { dtype, swap: parts[1] === '>' && packedBytes(dtype, 1) > 1 };
}

/** Throws NPY_SIZE unless the bytes are exactly those that dtype and dims need. */
export function checkSize(array: StoredArray, file: string): void {
  const declared = packedBytes(array.dtype, elementCount(array.dims));
  const held = array.bytes.size - array.start;
  if (declared === held) return;
  throw invalidError(
    'NPY_SIZE',
    `"${file}" declares ${array.dims.join('×')} ${array.dtype} (${declared} bytes) and holds ${held} bytes`,
    { where: { file }, hint: 'The file is truncated or damaged; write it again.' },
  );
}

async function fromFortran(array: StoredArray, file: string): Promise<StoredArray> {
  const size = packedBytes(array.dtype, 1);
  const total = elementCount(array.dims) * size;
  if (total > MAX_FORTRAN_BYTES)
    throw unsupportedError('NPY_ORDER', `"${file}" holds ${total} bytes in Fortran order`, {
      where: { file },
      hint: 'Save it in C order: np.save(file, np.ascontiguousarray(x)).',
    });
  const source = await array.bytes.read(array.start, total);
  return { ...array, bytes: memoryBytes(transpose(source, array.dims, size)), start: 0 };
}

/** Column-major to row-major: walks the target in order and steps through the source by its strides. */
function transpose(source: Uint8Array, dims: number[], size: number): Uint8Array {
  const target = new Uint8Array(source.length);
  const strides = dims.map((_, axis) => elementCount(dims.slice(0, axis)) * size);
  const index = dims.map(() => 0);
  let from = 0;
  for (let to = 0; to < source.length; to += size) {
    for (let b = 0; b < size; b++) target[to + b] = source[from + b];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < dims[axis]) break;
      from -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return target;
}

const bad = (file: string, what: string): QuantizeError =>
  invalidError('NPY_HEADER', `"${file}" ${what}`, { where: { file }, hint: 'Write it with numpy.save.' });
const dtypeError = (file: string, what: string): QuantizeError =>
  unsupportedError('NPY_DTYPE', `"${file}" holds ${what}, not numbers`, {
    where: { file },
    hint: 'Convert it to a float or integer array before saving.',
  });
