import type { ChannelParams } from './blocks.js';
import { decodeFloat, encodeFloat } from './floats.js';
import { format, type NumberFormat } from './formats.js';
import { clamp, roundHalfEven } from './rounding.js';
import { type CodeTable, codeTable, encodeByTable, rankOf, tableThresholds } from './tables.js';

/** Unpacked codes, one element a value. */
export type Codes = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array;

const ARRAYS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
};

/** Room for `n` codes of a format, all 0 unless `place` says where their bytes are. */
export function codeArray(
  row: Pick<NumberFormat, 'array'>,
  n: number,
  place: (bytes: number) => [ArrayBuffer, number] = (bytes) => [new ArrayBuffer(bytes), 0],
): Codes {
  const Codes = ARRAYS[row.array];
  return new Codes(...place(n * Codes.BYTES_PER_ELEMENT), n);
}

/** Both directions between a quotient x / s, a float32, and its code in one group of values. */
export interface Codec {
  encode(quotient: number): number;
  /** What is multiplied by the scale again. */
  decode(code: number): number;
}

/** The codec of group `group`. */
export function codecOf(row: NumberFormat, params: ChannelParams, group: number): Codec {
  if (row.kind === 'integer') return integerCodec(row, params.zeroPoints[group]);
  const { layout, table: byCode } = row;
  if (layout) return { encode: (u) => encodeFloat(u, layout), decode: (code) => decodeFloat(code, layout) };
  if (!byCode) return lookUpCodec(row, params, group);
  const table = tableOf(row);
  return { encode: (u) => encodeByTable(u, table), decode: (code) => byCode[code] };
}

/**
 * ONNX QuantizeLinear: q = saturate(roundHalfEven(x / s) + z); NaN gives the lowest code, as in onnxruntime (the
 * standard leaves it open).
 */
function integerCodec({ qmin, qmax }: NumberFormat, zeroPoint: number): Codec {
  return {
    encode: (u) => (Number.isNaN(u) ? qmin : clamp(roundHalfEven(u) + zeroPoint, qmin, qmax)),
    decode: (code) => Math.fround(code - zeroPoint),
  };
}

/** A code is the rank of its value in the table of the group, NaN 0. */
function lookUpCodec(row: NumberFormat, params: ChannelParams, group: number): Codec {
  checkTables(row, params);
  const size = 2 ** row.bits;
  const table = params.tables!.subarray(group * size, (group + 1) * size);
  const thresholds = tableThresholds(table);
  return { encode: (u) => rankOf(u, thresholds), decode: (code) => table[code] };
}

/** @throws RangeError for a look-up table format without a table for every group */
export function checkTables(row: NumberFormat, { tables, scales }: ChannelParams): void {
  if (row.kind !== 'table' || row.table) return;
  const wanted = scales.length * 2 ** row.bits;
  if (tables?.length === wanted) return;
  throw new RangeError(
    `${row.id} needs ${wanted} table values for ${scales.length} groups, not ${tables?.length ?? 0}`,
  );
}

const cache = new Map<string, CodeTable>();

/** The table of a format of at most 8 bits that is no integer and does not depend on the data. */
export function tableOf(row: NumberFormat): CodeTable {
  const known = cache.get(row.id);
  if (known) return known;
  const byCode = valuesOf(row);
  const table = codeTable(byCode, row.rule ?? 'even', row.layout?.nan ?? (row.id === 'e8m0' ? 255 : 0));
  cache.set(row.id, table);
  return table;
}

/** Values by code of a format of at most 8 bits that does not depend on the data; integers from `qmin` on. */
export function valuesOf(row: NumberFormat): Float32Array {
  if (row.table) return row.table;
  const n = row.qmax - row.qmin + 1;
  if (row.bits > 8 || (row.kind !== 'integer' && !row.layout))
    throw new RangeError(`no value table of ${row.id}`);
  const { layout } = row;
  return Float32Array.from({ length: n }, (_, i) => (layout ? decodeFloat(i, layout) : row.qmin + i));
}

/** A narrower view of a format: every value times `factor` is a whole number of the integer format. */
export interface IntegerMultiple {
  format: NumberFormat;
  factor: number;
}

/**
 * How an integer type can stand for a format exactly: codes value·factor, scale / factor. It is what lets onnxruntime run
 * FP4 and FP6, for which it has no kernels. Undefined when 16 bits are too few.
 */
export function integerMultiple(row: NumberFormat): IntegerMultiple | undefined {
  if (row.kind === 'integer') return { format: row, factor: 1 };
  const factor = 1 / row.smallest;
  if (row.bits > 8 || row.rule === 'lower' || !row.scaled || !row.signed) return undefined;
  const largest = row.largest * factor;
  if (largest <= 127) return { format: format('int8'), factor };
  return largest <= 32767 ? { format: format('int16'), factor } : undefined;
}
