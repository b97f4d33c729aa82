import { invalidError, unsupportedError } from '../errors.js';
import { type Dtype, packedBytes } from '../ir/dtypes.js';
import { floatToHalf } from '../ir/half.js';
import { halfToFloat } from '../ir/tensor.js';
import type { TypedArray } from '../runtime/types.js';

type Ctor = {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, offset: number, length: number): TypedArray;
  BYTES_PER_ELEMENT: number;
};

/** Element types that samples can have, with the array that holds them and, for integers, the values they can take. */
const ELEMENTS: Partial<Record<Dtype, { array: Ctor; min?: number; max?: number; big?: boolean }>> = {
  float32: { array: Float32Array },
  float64: { array: Float64Array },
  float16: { array: Uint16Array },
  uint8: { array: Uint8Array, min: 0, max: 255 },
  int8: { array: Int8Array, min: -128, max: 127 },
  uint16: { array: Uint16Array, min: 0, max: 65_535 },
  int16: { array: Int16Array, min: -32_768, max: 32_767 },
  uint32: { array: Uint32Array, min: 0, max: 2 ** 32 - 1 },
  int32: { array: Int32Array, min: -(2 ** 31), max: 2 ** 31 - 1 },
  uint64: { array: BigUint64Array, min: 0, max: 2 ** 64, big: true },
  int64: { array: BigInt64Array, min: -(2 ** 63), max: 2 ** 63, big: true },
  bool: { array: Uint8Array, min: 0, max: 1 },
};

const isFloat = (dtype: Dtype): boolean => dtype.startsWith('float');

/** True for the element types that sample files may hold. */
export const isSampleDtype = (dtype: Dtype): boolean => dtype in ELEMENTS;

function element(dtype: Dtype, tensor?: string) {
  const row = ELEMENTS[dtype];
  if (row) return row;
  throw unsupportedError('SAMPLE_DTYPE', `samples of type ${dtype} cannot be read`, {
    where: { tensor },
    hint: `Known types: ${Object.keys(ELEMENTS).join(', ')}.`,
  });
}

/** Little-endian (or, with `swap`, big-endian) bytes as the array of their element type; a view where possible. */
export function typedArray(dtype: Dtype, bytes: Uint8Array, swap = false): TypedArray {
  const { array: Ctor } = element(dtype);
  const size = Ctor.BYTES_PER_ELEMENT;
  if (swap) swapBytes(bytes, size);
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return new Ctor(aligned.buffer, aligned.byteOffset, bytes.length / size);
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

export const newArray = (dtype: Dtype, length: number): TypedArray => new (element(dtype).array)(length);
export const elementBytes = (dtype: Dtype): number => packedBytes(dtype, 1);

/**
 * `data` as the element type of an input: anything numeric becomes float; integers stay integers and must fit.
 * @throws SAMPLE_DTYPE (invalid) for float data on an integer input, and for integers out of range
 */
export function convert(
  data: TypedArray,
  from: Dtype,
  to: Dtype,
  where: { sample: string; tensor: string },
): TypedArray {
  const target = element(to, where.tensor);
  if (from === to) return data;
  if (isFloat(to)) return toFloat(data, from, to);
  if (isFloat(from))
    throw invalidError(
      'SAMPLE_DTYPE',
      `sample "${where.sample}" is ${from}; input "${where.tensor}" takes ${to}`,
      { where, hint: `Convert the data to ${to}: rounding it silently could change its meaning.` },
    );
  const out = newArray(to, data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    if (value < target.min! || value > target.max!) throw outOfRange(value, to, where);
    out[i] = target.big ? BigInt(value) : Number(value);
  }
  return out;
}

function toFloat(data: TypedArray, from: Dtype, to: Dtype): TypedArray {
  const out = newArray(to, data.length);
  for (let i = 0; i < data.length; i++) {
    const value = from === 'float16' ? halfToFloat(Number(data[i])) : Number(data[i]);
    out[i] = to === 'float16' ? floatToHalf(value) : value;
  }
  return out;
}

const outOfRange = (value: number | bigint, to: Dtype, where: { sample: string; tensor: string }) =>
  invalidError(
    'SAMPLE_DTYPE',
    `sample "${where.sample}" holds ${value}, which input "${where.tensor}" (${to}) cannot`,
    { where },
  );
