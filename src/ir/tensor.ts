import { invalidError, unsupportedError } from '../errors.js';
import { type Dtype, dtypeName, dtypeNumber, packedBytes } from './dtypes.js';
import type { Tensor } from './model.js';

/** Upper bound on one tensor's bytes: beyond it a typed array cannot exist, whatever the file declares. */
const MAX_TENSOR_BYTES = 2 ** 33;

/** Elements of a shape: 1 for the [] of a scalar. */
export const elementCount = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

export function tensorDtype(tensor: Tensor): Dtype {
  const dtype = dtypeName(tensor.dataType);
  if (dtype) return dtype;
  throw unsupportedError('TENSOR_DTYPE', `tensor data type ${tensor.dataType ?? 'missing'} is not known`, {
    where: { tensor: tensor.name },
    hint: 'onnx-quantize knows the data types of ONNX 1.20; was the file damaged?',
  });
}

/**
 * The tensor's elements as packed little-endian bytes, whatever field holds them. A view where possible, a copy
 * only where the file stores values as varints. Throws TENSOR_SIZE (invalid) when the bytes do not match dims.
 */
export function tensorBytes(tensor: Tensor): Uint8Array {
  const dtype = tensorDtype(tensor);
  if (tensor.dims.some((d) => d < 0)) throw sizeError(tensor, `has the shape ${tensor.dims.join('×')}`);
  const expected = packedBytes(dtype, elementCount(tensor.dims));
  if (!Number.isSafeInteger(expected) || expected > MAX_TENSOR_BYTES)
    throw sizeError(tensor, `declares ${tensor.dims.join('×')} ${dtype}, too large to hold`);
  const bytes = storedBytes(tensor, dtype);
  if (bytes.byteLength !== expected)
    throw sizeError(
      tensor,
      `holds ${bytes.byteLength} bytes where ${tensor.dims.join('×')} ${dtype} needs ${expected}`,
    );
  return bytes;
}

function storedBytes(tensor: Tensor, dtype: Dtype): Uint8Array {
  if (tensor.external) return tensor.external.read();
  if (tensor.dataLocation === 1)
    throw invalidError('EXTERNAL_DATA', 'external data without a readable location', {
      where: { tensor: tensor.name },
    });
  if (tensor.rawData) return tensor.rawData;
  if (tensor.floatData) return tensor.floatData;
  if (tensor.doubleData) return tensor.doubleData;
  if (tensor.int64Data) return bytesOf(tensor.int64Data);
  if (tensor.uint64Data)
    return dtype === 'uint32'
      ? bytesOf(Uint32Array.from(tensor.uint64Data, Number))
      : bytesOf(tensor.uint64Data);
  if (tensor.int32Data) return narrow(tensor.int32Data, dtype);
  return new Uint8Array(0);
}

/** int32_data holds one element each, except 4- and 2-bit types, which hold one packed byte each. */
function narrow(values: Int32Array, dtype: Dtype): Uint8Array {
  const bits = packedBytes(dtype, 1) * 8;
  if (bits === 32) return bytesOf(values);
  return bits === 16 ? bytesOf(Uint16Array.from(values)) : Uint8Array.from(values);
}

const sizeError = (tensor: Tensor, what: string) =>
  invalidError('TENSOR_SIZE', `tensor "${tensor.name ?? ''}" ${what}`, { where: { tensor: tensor.name } });

export const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** `bytes` as a typed array: a view when its offset allows, else a copy. */
export function viewAs<T>(
  Ctor: { new (buffer: ArrayBufferLike, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
): T {
  const size = Ctor.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new Ctor(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / size));
}

/** Values of a float32, float16, bfloat16 or float64 tensor as float32. Throws TENSOR_DTYPE for other types. */
export function floatValues(tensor: Tensor): Float32Array {
  const bytes = tensorBytes(tensor);
  switch (tensorDtype(tensor)) {
    case 'float32':
      return viewAs(Float32Array, bytes);
    case 'float64':
      return Float32Array.from(viewAs(Float64Array, bytes));
    case 'float16':
      return Float32Array.from(viewAs(Uint16Array, bytes), halfToFloat);
    case 'bfloat16':
      return viewAs(Float32Array, bytesOf(Uint32Array.from(viewAs(Uint16Array, bytes), (h) => h << 16)));
    default:
      throw unsupportedError(
        'TENSOR_DTYPE',
        `tensor "${tensor.name}" is ${tensorDtype(tensor)}, not a float type`,
        {
          where: { tensor: tensor.name },
        },
      );
  }
}

/**
 * The values of a constant that is about to be quantized.
 * @throws QuantizeError WEIGHT_NOT_FINITE (invalid) where one is NaN or infinite; as floatValues besides
 */
export function finiteValues(tensor: Tensor): Float32Array {
  const values = floatValues(tensor);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return values;
  throw invalidError('WEIGHT_NOT_FINITE', `weight "${tensor.name}" holds ${values[bad]} at element ${bad}`, {
    where: { tensor: tensor.name },
    hint: 'the model is damaged or diverged in training; leave the layer in float with --keep-float if it is meant',
  });
}

/** IEEE 754 binary16 bits → number; exact. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * 2 ** (Math.max(exponent, 1) - 25) * (mantissa + (exponent ? 1024 : 0));
}

/** Values of an int64, int32 or narrower integer (or bool) tensor as numbers; meant for shapes, axes and indices. */
export function intValues(tensor: Tensor): number[] {
  const bytes = tensorBytes(tensor);
  switch (tensorDtype(tensor)) {
    case 'int64':
      return Array.from(viewAs(BigInt64Array, bytes), Number);
    case 'uint64':
      return Array.from(viewAs(BigUint64Array, bytes), Number);
    case 'int32':
      return Array.from(viewAs(Int32Array, bytes));
    case 'uint32':
      return Array.from(viewAs(Uint32Array, bytes));
    case 'int16':
      return Array.from(viewAs(Int16Array, bytes));
    case 'uint16':
      return Array.from(viewAs(Uint16Array, bytes));
    case 'int8':
      return Array.from(viewAs(Int8Array, bytes));
    case 'uint8':
    case 'bool':
      return Array.from(bytes);
    default:
      throw unsupportedError('TENSOR_DTYPE', `tensor "${tensor.name}" is not an integer tensor`, {
        where: { tensor: tensor.name },
      });
  }
}

/** A new tensor with raw storage; `bytes` is not copied. */
export function makeTensor(name: string, dtype: Dtype, dims: number[], bytes: ArrayBufferView): Tensor {
  return {
    name,
    dims,
    dataType: dtypeNumber(dtype),
    rawData: bytesOf(bytes),
    externalData: [],
    metadata: [],
  };
}

export const floatTensor = (name: string, dims: number[], values: ArrayLike<number>): Tensor =>
  makeTensor(name, 'float32', dims, Float32Array.from(values));
export const int64Tensor = (name: string, dims: number[], values: number[]): Tensor =>
  makeTensor(name, 'int64', dims, BigInt64Array.from(values.map(BigInt)));
