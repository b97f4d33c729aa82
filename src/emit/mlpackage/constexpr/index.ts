import { codes, floats, HALF_MIN, int } from '../literal.js';
import { type Ios, MIL_TYPES, type MilType } from '../program.js';
import { type Made, made, output, type Quantized, type Refuse } from './made.js';
import { isSparse, sparse } from './sparse.js';
import { flatLookUp, lookUp } from './tables.js';

/**
 * The operations that Core ML's compiler turns codes into floats with: constexpr_affine_dequantize up to iOS 17 (one
 * scale a tensor or a channel, parameters as attributes), constexpr_blockwise_shift_scale from iOS 18 on (any grid,
 * 4 bits too, parameters as inputs), look-up tables, and the sparse forms of iOS 18 where zeros are many. The last one
 * makes the weight.
 */
export function constexprs(weight: Quantized, ios: Ios, float: MilType, refuse: Refuse): Made[] {
  if (weight.quantized.lut) return ios === 17 ? [flatLookUp(weight, float, refuse)] : lookUp(weight, float);
  const grid = representable(weight, float);
  return ios === 17 ? [affine(grid, float, refuse)] : blockwise(grid, float);
}

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

function blockwise({ dims, data, quantized }: Quantized, float: MilType): Made[] {
  const { dtype, scale, zeroPoint } = quantized;
  const parameters: Made['inputs'] = [['scale', floats(float, scale, quantized.dims)]];
  // A zero code means zero only where there is no offset.
  if (zeroPoint?.some((z) => z !== 0)) parameters.push(['offset', codes(dtype, zeroPoint, quantized.dims)]);
  else if (isSparse(data, MIL_TYPES[dtype].bits))
    return sparse('grid', { dims, dtype, data: data as Int8Array }, data, parameters, float);
  const inputs: Made['inputs'] = [['data', codes(dtype, data, dims)], ...parameters];
  return [made('constexpr_blockwise_shift_scale', inputs, [output(float, dims)])];
}

/**
 * A scale below the smallest float16 would become zero there. Such values are next to zero whatever is done: the
 * scale is raised to the smallest float16 and the codes are rounded to it.
 */
function representable(weight: Quantized, float: MilType): Quantized {
  const { quantized } = weight;
  const { scale } = quantized;
  if (float !== 'fp16' || scale.every((s) => s >= HALF_MIN)) return weight;
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
