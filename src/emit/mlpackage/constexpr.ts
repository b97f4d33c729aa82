import { packCodes } from '../../../kernels/pack.js';
import { codes, floats, HALF_MIN, int } from './literal.js';
import { type Ios, type Literal, MIL_TYPES, type MilType, type Operation, type Var } from './program.js';
import type { Grid, Weight } from './weight.js';

type Refuse = (why: string, hint?: string) => never;
type Made = Omit<Operation, 'origin'>;

/**
 * The operation that Core ML's compiler turns codes into floats with: constexpr_affine_dequantize up to iOS 17 (one
 * scale a tensor or a channel, parameters as attributes), constexpr_blockwise_shift_scale from iOS 18 on (any grid,
 * 4 bits too, parameters as inputs).
 */
export function constexpr(weight: Weight, ios: Ios, float: MilType, refuse: Refuse): Made {
  const grid = representable(weight, float);
  return ios === 17 ? affine(grid, float, refuse) : blockwise(grid, float);
}

type Quantized = Weight & { quantized: Grid };

function affine({ dims, data, quantized }: Quantized, float: MilType, refuse: Refuse): Made {
  const { dtype, scale } = quantized;
  const axes = dims.flatMap((d, axis) => (quantized.dims[axis] > 1 && d > 1 ? [axis] : []));
  const perChannel = axes.length === 1 && quantized.dims[axes[0]] === dims[axes[0]];
  if (dtype === 'int4' || dtype === 'uint4' || !(axes.length === 0 || perChannel))
    return refuse(
      `iOS 17 dequantizes 8-bit weights with one scale a tensor or a channel, not ${dtype} in blocks`,
      'iOS 18 does: --ios 18',
    );
  const shape = axes.length ? [scale.length] : [];
  const zero = quantized.zeroPoint ?? new Int32Array(scale.length);
  return {
    type: 'constexpr_affine_dequantize',
    inputs: [],
    outputs: [output(float, dims)],
    attributes: [
      ['quantized_data', codes(dtype, data, dims)],
      ['zero_point', codes(dtype, zero, shape)],
      ['scale', floats(float, scale, shape)],
      ['axis', int(axes[0] ?? 0)],
    ],
  };
}

function blockwise({ dims, data, quantized }: Quantized, float: MilType): Made {
  const { dtype, scale, zeroPoint } = quantized;
  const inputs: [string, Literal][] = [
    ['data', packed(dtype, data, dims)],
    ['scale', floats(float, scale, quantized.dims)],
  ];
  if (zeroPoint?.some((z) => z !== 0)) inputs.push(['offset', packed(dtype, zeroPoint, quantized.dims)]);
  return {
    type: 'constexpr_blockwise_shift_scale',
    inputs,
    outputs: [output(float, dims)],
    attributes: [],
  };
}

const output = (dtype: MilType, dims: number[]): Var => ({ name: '', dtype, dims });

const packed = (dtype: Grid['dtype'], values: ArrayLike<number>, dims: number[]): Literal =>
  dtype === 'int8' || dtype === 'uint8'
    ? codes(dtype, values, dims)
    : { dtype, dims, bytes: packCodes(Int8Array.from(values), MIL_TYPES[dtype].bits) };

/**
 * A scale below the smallest float16 would become zero there. Such values are next to zero whatever is done: the
 * scale is raised to the smallest float16 and the codes are rounded to it.
 */
function representable(weight: Weight, float: MilType): Quantized {
  const quantized = weight.quantized!;
  const { scale } = quantized;
  if (float !== 'fp16' || scale.every((s) => s >= HALF_MIN)) return weight as Quantized;
  const raised = scale.map((s) => Math.max(s, HALF_MIN));
  const perElement = weight.data.length / scale.length;
  // Only grids along the first axes are laid out so plainly; others keep their codes, and err by less than 1e-5.
  const plain = quantized.dims.every((d, i) => d === 1 || i === 0);
  const data = weight.data.slice() as Int8Array;
  if (plain && !quantized.zeroPoint)
    for (let i = 0; i < data.length; i++) {
      const g = Math.floor(i / perElement);
      data[i] = Math.round((data[i] * scale[g]) / raised[g]);
    }
  return { ...weight, data, quantized: { ...quantized, scale: raised } };
}
