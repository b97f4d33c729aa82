import { packCodes } from '../../../../kernels/pack.js';
import type { Weight } from '../../weight.js';
import { codes, floats } from '../literal.js';
import { type Ios, type Literal, MIL_TYPES, type MilType } from '../program.js';
import { type Made, made, output } from './made.js';

/** From this share of zeros on, a bit for each value and the others alone are stored; 2:4 pruning leaves half. */
const SPARSE_SHARE = 0.4;

/** Smaller constants are masks and offsets, not weights (coremltools' weight_threshold). */
const SPARSE_LEAST = 2048;

/** What codes of `bits` bits stand for has enough zeros, but is not all zero, and the mask's bits are won back. */
export function isSparse(values: ArrayLike<number>, bits: number): boolean {
  let kept = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) kept++;
  const few = kept <= (1 - SPARSE_SHARE) * values.length;
  return kept > 0 && few && values.length + kept * bits < values.length * bits;
}

/** An element a code, in the type that holds it. */
export interface Codes {
  dims: number[];
  dtype: MilType;
  data: Int8Array | Uint8Array;
}

/** The operations that make floats of codes in order of a mask's ones, and what they call the two. */
const OF_CODES = {
  grid: ['constexpr_sparse_blockwise_shift_scale', 'data_mask', 'nonzero_data'],
  tables: ['constexpr_lut_to_sparse', 'indices_mask', 'indices_nonzero_data'],
} as const;

/**
 * Codes whose value is not zero, made floats, then spread over the mask.
 * @param values what the codes stand for
 * @param parameters scales or tables, with the shape that they have beside all codes
 */
export function sparse(
  form: keyof typeof OF_CODES,
  { dims, dtype, data }: Codes,
  values: ArrayLike<number>,
  parameters: Made['inputs'],
  float: MilType,
): Made[] {
  const [type, maskName, dataName] = OF_CODES[form];
  const kept = data.filter((_, i) => values[i] !== 0);
  const mask = output('uint1', dims);
  const found = output(float, [kept.length]);
  const inputs: Made['inputs'] = [
    [maskName, maskOf(values, dims)],
    [dataName, codes(dtype, kept, found.dims)],
    ...parameters,
  ];
  const dense: Made['inputs'] = [
    ['nonzero_data', found],
    ['mask', mask],
  ];
  return [made(type, inputs, [mask, found]), made('constexpr_sparse_to_dense', dense, [output(float, dims)])];
}

/** Floats of which many are zero; undefined where a plain constant is as good. */
export function sparseFloats({ dims, data }: Weight, ios: Ios, float: MilType): Made | undefined {
  if (ios === 17 || data.length < SPARSE_LEAST || !isSparse(data, MIL_TYPES[float].bits)) return undefined;
  const kept = (data as Float32Array).filter((v) => v !== 0);
  const inputs: Made['inputs'] = [
    ['nonzero_data', floats(float, kept, [kept.length])],
    ['mask', maskOf(data, dims)],
  ];
  return made('constexpr_sparse_to_dense', inputs, [output(float, dims)]);
}

const maskOf = (values: ArrayLike<number>, dims: number[]): Literal => ({
  dtype: 'uint1',
  dims,
  bytes: packCodes(
    Uint8Array.from(values, (v) => Number(v !== 0)),
    1,
  ),
});
