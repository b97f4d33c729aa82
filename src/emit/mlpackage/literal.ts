import { packCodes, unpackCodes } from '../../../kernels/pack.js';
import { floatToHalf } from '../../ir/half.js';
import { bytesOf, elementCount, halfToFloat, viewAs } from '../../ir/tensor.js';
import { type Literal, MIL_TYPES, type MilType } from './program.js';

/** Largest finite float16; what lies beyond is held here, as an infinite mask would give NaN in a softmax. */
export const HALF_MAX = 65504;
/** Smallest positive float16. */
export const HALF_MIN = 2 ** -24;

export const text = (value: string): Literal => ({
  dtype: 'string',
  dims: [],
  bytes: new Uint8Array(0),
  text: value,
});

export const flag = (value: boolean): Literal => ({
  dtype: 'bool',
  dims: [],
  bytes: Uint8Array.of(Number(value)),
});
export const flags = (values: boolean[]): Literal => ({
  dtype: 'bool',
  dims: [values.length],
  bytes: Uint8Array.from(values, Number),
});
export const int = (value: number): Literal => ints([value], []);
export const ints = (values: readonly number[], dims: number[] = [values.length]): Literal => ({
  dtype: 'int32',
  dims,
  bytes: bytesOf(Int32Array.from(values, clampInt)),
});
export const uint = (values: readonly number[]): Literal => ({
  dtype: 'uint32',
  dims: [values.length],
  bytes: bytesOf(Uint32Array.from(values)),
});

/** ONNX's int64 "to the end" is int32's largest here. */
const clampInt = (value: number): number => Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);

/** Floats in the program's own float type. */
export function floats(dtype: MilType, values: ArrayLike<number>, dims: number[]): Literal {
  const bytes = dtype === 'fp16' ? Uint16Array.from(values, saturatedHalf) : Float32Array.from(values);
  return { dtype, dims, bytes: bytesOf(bytes) };
}

const saturatedHalf = (value: number): number => floatToHalf(Math.min(Math.max(value, -HALF_MAX), HALF_MAX));

/** Codes as densely as their type allows. */
export const codes = (dtype: MilType, values: ArrayLike<number>, dims: number[]): Literal => ({
  dtype,
  dims,
  bytes: packCodes(Int8Array.from(values), MIL_TYPES[dtype].bits),
});

const HALVES = (bytes: Uint8Array) => Array.from(viewAs(Uint16Array, bytes), halfToFloat);

/** Elements of a literal as numbers (bools as 0 and 1). */
export function numbersOf(literal: Literal): ArrayLike<number> {
  const { dtype, bytes, dims } = literal;
  const count = elementCount(dims);
  switch (dtype) {
    case 'fp16':
      return HALVES(bytes);
    case 'fp32':
      return viewAs(Float32Array, bytes);
    case 'int32':
      return viewAs(Int32Array, bytes);
    case 'uint32':
      return viewAs(Uint32Array, bytes);
    case 'int16':
      return viewAs(Int16Array, bytes);
    case 'uint16':
      return viewAs(Uint16Array, bytes);
    case 'int8':
      return viewAs(Int8Array, bytes);
    case 'bool':
    case 'uint8':
      return bytes;
    default:
      return unpackCodes(bytes, count, MIL_TYPES[dtype].bits, dtype === 'int4');
  }
}

/** The only element of a scalar literal. */
export const numberOf = (literal: Literal): number => numbersOf(literal)[0];
