import { packCodes } from '../../../kernels/pack.js';
import type { Grid, Weight } from '../weight.js';
import { codes, floats, HALF_MIN, int, uint } from './literal.js';
import { type Ios, type Literal, MIL_TYPES, type MilType, type Operation, type Var } from './program.js';

type Refuse = (why: string, hint?: string) => never;
type Made = Omit<Operation, 'origin'>;

/**
 * The operations that Core ML's compiler turns codes into floats with: constexpr_affine_dequantize up to iOS 17 (one
 * scale a tensor or a channel, parameters as attributes), constexpr_blockwise_shift_scale from iOS 18 on (any grid,
 * 4 bits too, parameters as inputs), look-up tables, and the sparse forms of iOS 18 where zeros are many. The last one
 * makes the weight.
 */
export function constexprs(weight: Quantized, ios: Ios, float: MilType, refuse: Refuse): Made[] {
  if (weight.quantized.lut) return [lookUp(weight, ios, float, refuse)];
  const grid = representable(weight, float);
  if (ios === 17) return [affine(grid, float, refuse)];
  return isSparse(weight) ? sparse(grid, float) : [blockwise(grid, float)];
}

export type Quantized = Weight & { quantized: Grid };

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
  const inputs: Made['inputs'] = [
    ['data', packed(dtype, data, dims)],
    ['scale', floats(float, scale, quantized.dims)],
  ];
  if (zeroPoint?.some((z) => z !== 0)) inputs.push(['offset', packed(dtype, zeroPoint, quantized.dims)]);
  return made('constexpr_blockwise_shift_scale', inputs, [output(float, dims)]);
}

const made = (type: string, inputs: Made['inputs'], outputs: Var[]): Made => ({
  type,
  inputs,
  outputs,
  attributes: [],
});

/** From this share of zeros on, a bit for each value and the others alone are stored; 2:4 pruning leaves half. */
const SPARSE_SHARE = 0.4;

/** A zero code that means zero, and enough of them. */
const isSparse = ({ data, quantized }: Weight): boolean =>
  !quantized?.zeroPoint && data.filter((v) => v === 0).length >= SPARSE_SHARE * data.length;

const maskOf = ({ dims, data }: Weight): Literal => ({
  dtype: 'uint1',
  dims,
  bytes: packCodes(
    Uint8Array.from(data, (v) => Number(v !== 0)),
    1,
  ),
});

/** Codes that are not zero, dequantized, then spread over the mask. */
function sparse(weight: Quantized, float: MilType): Made[] {
  const { dims, data, quantized } = weight;
  const kept = data.filter((v) => v !== 0);
  const values: Var = { name: '', dtype: float, dims: [kept.length] };
  const mask: Var = { name: '', dtype: 'uint1', dims };
  const codes: Made['inputs'] = [
    ['data_mask', maskOf(weight)],
    ['nonzero_data', packed(quantized.dtype, kept, [kept.length])],
    ['scale', floats(float, quantized.scale, quantized.dims)],
  ];
  return [
    made('constexpr_sparse_blockwise_shift_scale', codes, [mask, values]),
    made(
      'constexpr_sparse_to_dense',
      [
        ['nonzero_data', values],
        ['mask', mask],
      ],
      [output(float, dims)],
    ),
  ];
}

/** Floats of which many are zero; undefined where a plain constant is as good. */
export function sparseFloats(weight: Weight, ios: Ios, float: MilType): Made | undefined {
  if (ios === 17 || weight.data.length < SPARSE_LEAST || !isSparse(weight)) return undefined;
  const kept = (weight.data as Float32Array).filter((v) => v !== 0);
  const inputs: Made['inputs'] = [
    ['nonzero_data', floats(float, kept, [kept.length])],
    ['mask', maskOf(weight)],
  ];
  return kept.length === 0
    ? undefined
    : made('constexpr_sparse_to_dense', inputs, [output(float, weight.dims)]);
}

/** Smaller constants are masks and offsets, not weights (coremltools' weight_threshold). */
const SPARSE_LEAST = 2048;

/** Widths of indices that Core ML packs; others take the next one, with tables filled up. */
const INDEX_BITS: Record<number, readonly number[]> = { 17: [1, 2, 4, 6, 8], 18: [1, 2, 3, 4, 6, 8] };

/** Each group of values looks into its own table; before iOS 18 there is one table. */
function lookUp({ dims, data, quantized }: Quantized, ios: Ios, float: MilType, refuse: Refuse): Made {
  const { bits, tables } = quantized.lut!;
  const width = INDEX_BITS[ios].find((b) => b >= bits)!;
  const groups = Array.from(quantized.scale);
  const values = groups.flatMap((g) => {
    const table = Array.from(tables.subarray(g * 2 ** bits, (g + 1) * 2 ** bits));
    return [...table, ...Array<number>(2 ** width - 2 ** bits).fill(0)];
  });
  const indices = packCodes(data as Uint8Array, width);
  const outputs = [output(float, dims)];
  if (ios === 18) {
    const dtype = (width === 8 ? 'uint8' : `uint${width}`) as MilType;
    const lut = floats(float, values, [...quantized.dims, 2 ** width, 1]);
    return made(
      'constexpr_lut_to_dense',
      [
        ['indices', { dtype, dims, bytes: indices }],
        ['lut', lut],
      ],
      outputs,
    );
  }
  if (groups.length > 1)
    return refuse('iOS 17 has one look-up table a tensor', 'iOS 18 has one a channel: --ios 18');
  return {
    ...made('constexpr_lut_to_dense', [], outputs),
    attributes: [
      ['indices', { dtype: 'uint8', dims: [indices.length], bytes: indices }],
      ['lut', floats(float, values, [values.length])],
      ['shape', uint(dims)],
    ],
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
