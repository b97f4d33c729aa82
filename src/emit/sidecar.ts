import { elementOf } from '../../kernels/grid.js';
import { packCodes } from '../../kernels/pack.js';
import type { Codes } from '../../kernels/quantize.js';
import { packBitmap, packTwoFour } from '../../kernels/sparsity.js';
import type { Numbers, QuantizedWeight } from '../quantize/types.js';
import { encodeSafetensors, type NamedArray } from './safetensors.js';

/**
 * The weights as a chip would store them: codes packed to the bit, without those that sparsity left out, their places,
 * scales, zero points and tables. An ONNX file has no form for these; they lie beside it as safetensors.
 */
export const packedWeights = ({ weights }: Numbers): NamedArray[] => weights.flatMap(packedWeight);

/** Exact bytes of packed weights, and of each of their values, in bits: scales, places and tables counted. */
export function packedSize(
  numbers: Numbers,
  arrays: readonly NamedArray[],
): { bytes: number; bitsPerWeight: number } {
  const bytes = arrays.reduce((sum, { data }) => sum + data.byteLength, 0);
  const values = numbers.weights.reduce((sum, { codes }) => sum + codes.length, 0);
  return { bytes, bitsPerWeight: values === 0 ? 0 : (8 * bytes) / values };
}

/** The packed weights as a file; its metadata says of each weight what its arrays mean. */
export function encodeSidecar(numbers: Numbers, arrays: readonly NamedArray[]): Uint8Array {
  const metadata = Object.fromEntries(
    numbers.weights.map(({ plan, dims }) => {
      const { format, granularity, axis, view, sparsity } = plan;
      return [plan.tensor, JSON.stringify({ format, granularity, axis, view, dims, sparsity })];
    }),
  );
  return encodeSafetensors(arrays, metadata);
}

const bytes = (name: string, data: Uint8Array): NamedArray => ({
  name,
  dtype: 'U8',
  shape: [data.length],
  data,
});
const floats = (name: string, data: Float32Array): NamedArray => ({
  name,
  dtype: 'F32',
  shape: [data.length],
  data,
});

function packedWeight(weight: QuantizedWeight): NamedArray[] {
  const { tensor } = weight.plan;
  return [...codesOf(weight), ...scalesOf(weight)].map((array) => ({
    ...array,
    name: `${tensor}.${array.name}`,
  }));
}

/** Whole bytes above 8 bits. */
const widthOf = (bits: number): number => (bits <= 8 ? bits : bits <= 16 ? 16 : 32);

function codesOf({ plan, dims, codes, mask }: QuantizedWeight): NamedArray[] {
  const width = widthOf(elementOf(plan.format).bits);
  if (!plan.sparsity || !mask) return [packed(codes, width)];
  const { pattern, axis, view = dims } = plan.sparsity;
  if (pattern === '2:4') {
    const { values, indices } = packTwoFour(codes, mask, view, axis, width);
    return [
      bytes('codes', values),
      { name: 'indices', dtype: 'U32', shape: [indices.length], data: indices },
    ];
  }
  return [packed(codes.filter((_, i) => mask[i]) as Codes, width), bytes('bitmap', packBitmap(mask))];
}

function packed(codes: Codes, width: number): NamedArray {
  if (width <= 8) return bytes('codes', packCodes(codes, width));
  return { ...integers('codes', codes), shape: [codes.length] };
}

function integers(name: string, data: Codes): NamedArray {
  const sign = data instanceof Uint8Array || data instanceof Uint16Array ? 'U' : 'I';
  const dtype = `${sign}${8 * data.BYTES_PER_ELEMENT}` as NamedArray['dtype'];
  return { name, dtype, shape: [data.length], data };
}

function scalesOf({ plan, params }: QuantizedWeight): NamedArray[] {
  const row = elementOf(plan.format);
  const { scales, zeroPoints, tables, coded } = params;
  if (tables) return [floats('tables', tables)];
  if (!row.scaled) return [];
  if (coded)
    return [bytes('scales', coded.codes), floats('tensor_scale', Float32Array.of(coded.tensorScale))];
  const shifted = zeroPoints.some((z) => z !== 0);
  return [
    floats('scales', scales),
    ...(shifted ? [integers('zero_points', Int16Array.from(zeroPoints))] : []),
  ];
}
