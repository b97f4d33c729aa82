import { decodeFloat, encodeFloat } from '../../../kernels/floats.js';
import { format } from '../../../kernels/formats.js';
import { packCodes, unpackCodes } from '../../../kernels/pack.js';
import { clamp, roundHalfEven } from '../../../kernels/rounding.js';
import { type Dtype, dtypeName } from '../../ir/dtypes.js';
import { intAttribute } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import { elementCount, floatValues, makeTensor, tensorBytes } from '../../ir/tensor.js';

/** Float types of 16 bits, by the names of their formats. */
export type Half = 'fp16' | 'bf16';

export const HALF_TYPES: Record<Half, Dtype> = { fp16: 'float16', bf16: 'bfloat16' };
export const isHalf = (type: Dtype | undefined): boolean => type === 'float16' || type === 'bfloat16';

/** Rounds to nearest, ties to even; finite values stay finite. */
function encodeHalf(value: number, to: Half): number {
  const layout = format(to).layout!;
  return encodeFloat(value, { ...layout, saturates: Number.isFinite(value) });
}

/** Below these a scale has fewer digits than codes of 8 bits; float16 counts in steps of 2^-24 there. */
const LEAST_SCALE: Record<Half, number> = { fp16: 2 ** -17, bf16: 2 ** -126 };

const encodeScale = (value: number, to: Half): number => encodeHalf(Math.max(value, LEAST_SCALE[to]), to);

/** Numbers that stand alone keep roots and quotients from zero: what is not zero does not become it. */
const encodeAlone = (value: number, to: Half): number => encodeHalf(value, to) || (value > 0 ? 1 : 0);

const decodeHalf = (code: number, to: Half): number => decodeFloat(code, format(to).layout!);

/** A float32 constant in 16 bits. */
export function halfTensor(tensor: Tensor, to: Half, isScale = false): Tensor {
  const alone = elementCount(tensor.dims) === 1;
  const encode = isScale ? encodeScale : alone ? encodeAlone : encodeHalf;
  const codes = Uint16Array.from(floatValues(tensor), (v) => encode(v, to));
  return makeTensor(tensor.name ?? '', HALF_TYPES[to], tensor.dims, codes);
}

/** Codes stay as they are where scales move by less: none of 8 bits would change. */
const SMALL_MOVE = 2 ** -9;

/**
 * Codes of a weight for its scale in 16 bits: the values stay, as far as they can. Small scales lie where float16 has few
 * bits, or none.
 * @returns undefined where the codes stay, and for types that TensorRT does not take
 */
export function recoded(dq: Node, codes: Tensor, scale: Tensor, to: Half): Tensor | undefined {
  const dtype = dtypeName(codes.dataType);
  if (dtype !== 'int8' && dtype !== 'int4' && dtype !== 'float8e4m3fn') return undefined;
  const ratios = floatValues(scale).map((s) => s / decodeHalf(encodeScale(s, to), to));
  if (ratios.every((r) => Math.abs(r - 1) <= SMALL_MOVE)) return undefined;
  const group = groupOf(dq, codes.dims, scale.dims);
  const move = (i: number) => ratios[group(i)];
  const moved = dtype === 'float8e4m3fn' ? movedFloats(codes, move) : movedIntegers(codes, dtype, move);
  return makeTensor(codes.name ?? '', dtype, codes.dims, moved);
}

function movedFloats(codes: Tensor, ratio: (i: number) => number): Uint8Array {
  const layout = format('fp8').layout!;
  return tensorBytes(codes).map((c, i) => encodeFloat(decodeFloat(c, layout) * ratio(i), layout));
}

function movedIntegers(codes: Tensor, dtype: 'int8' | 'int4', ratio: (i: number) => number): Uint8Array {
  const { bits, qmin, qmax } = format(dtype);
  const unpacked = unpackCodes(tensorBytes(codes), elementCount(codes.dims), bits, true);
  return packCodes(
    unpacked.map((c, i) => clamp(roundHalfEven(c * ratio(i)), qmin, qmax)),
    bits,
  );
}

/** Which scale element i of the codes has: one for all, one a channel, or one a block. */
function groupOf(dq: Node, dims: number[], scales: number[]): (i: number) => number {
  if (elementCount(scales) === 1) return () => 0;
  const stated = intAttribute(dq, 'axis', 1);
  const axis = stated < 0 ? stated + dims.length : stated;
  const inner = elementCount(dims.slice(axis + 1));
  const block = intAttribute(dq, 'block_size', 0);
  if (block === 0) return (i) => Math.floor(i / inner) % dims[axis];
  const length = scales[axis];
  return (i) => {
    const along = Math.floor((Math.floor(i / inner) % dims[axis]) / block);
    return (Math.floor(i / (inner * dims[axis])) * length + along) * inner + (i % inner);
  };
}
