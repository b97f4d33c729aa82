import { packCodes } from '../../../../kernels/pack.js';
import { dequantized } from '../../weight.js';
import { codes, floats, uint } from '../literal.js';
import type { Ios, MilType } from '../program.js';
import { type Made, made, output, type Quantized, type Refuse } from './made.js';
import { isSparse, sparse } from './sparse.js';

/** Widths of indices that Core ML packs; others take the next one, with tables filled up. */
const INDEX_BITS: Record<Ios, readonly number[]> = { 17: [1, 2, 4, 6, 8], 18: [1, 2, 3, 4, 6, 8] };

const widthOf = ({ quantized }: Quantized, ios: Ios): number =>
  INDEX_BITS[ios].find((bits) => bits >= quantized.lut!.bits)!;

/** The tables of the groups, one after the other, each of 2^width values. */
function tablesOf({ quantized }: Quantized, width: number): Float32Array {
  const { bits, tables } = quantized.lut!;
  const values = new Float32Array(quantized.scale.length * 2 ** width);
  quantized.scale.forEach((table, group) => {
    values.set(tables.subarray(table * 2 ** bits, (table + 1) * 2 ** bits), group * 2 ** width);
  });
  return values;
}

/** Each group of values looks into its own table: iOS 18. Where many values are zero, the others alone are stored. */
export function lookUp(weight: Quantized, float: MilType): Made[] {
  const { dims, data, quantized } = weight;
  const width = widthOf(weight, 18);
  const places = { dims, dtype: `uint${width}` as MilType, data: data as Uint8Array };
  const shape = [...quantized.dims, 2 ** width, 1];
  const lut: Made['inputs'] = [['lut', floats(float, tablesOf(weight, width), shape)]];
  const values = dequantized(weight);
  if (isSparse(values, width)) return sparse('tables', places, values, lut, float);
  const inputs: Made['inputs'] = [['indices', codes(places.dtype, places.data, dims)], ...lut];
  return [made('constexpr_lut_to_dense', inputs, [output(float, dims)])];
}

/** One table for all values: iOS 17. */
export function flatLookUp(weight: Quantized, float: MilType, refuse: Refuse): Made {
  const { dims, data, quantized } = weight;
  if (quantized.scale.length > 1)
    return refuse('iOS 17 has one look-up table a tensor', 'iOS 18 has one a channel: --ios 18');
  const width = widthOf(weight, 17);
  const indices = packCodes(data as Uint8Array, width);
  return {
    ...made('constexpr_lut_to_dense', [], [output(float, dims)]),
    attributes: [
      ['indices', { dtype: 'uint8', dims: [indices.length], bytes: indices }],
      ['lut', floats(float, tablesOf(weight, width), [2 ** width])],
      ['shape', uint(dims)],
    ],
  };
}
