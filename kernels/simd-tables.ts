import type { ChannelParams, Piece } from './blocks.js';
import { tableOf, valuesOf } from './codec.js';
import type { NumberFormat } from './format.js';
import { type KernelMemory, PIECE, SCRATCH } from './memory.js';
import { tableThresholds } from './tables.js';

/** Where kernels/assembly/tables.ts finds its tables: parts of the scratch table area. */
const THRESHOLDS = SCRATCH.table;
const ROOM = 60 * 1024;
const VALUES = THRESHOLDS + ROOM;
const CODES = VALUES + ROOM;

/** Tables in the scratch memory. */
export interface PlacedTables {
  thresholds: number;
  /** By rank, for quantizing, or by code. */
  values: number;
  codes: number;
  /** Bytes to the next channel's thresholds and values. */
  stride: number;
  /** Channels whose tables are there at once. */
  channels: number;
  /** Brings those of a piece. */
  prepare?: (piece: Piece) => void;
}

const put = (memory: KernelMemory, at: number, values: Float32Array): void =>
  new Float32Array(memory.buffer, at, values.length).set(values);

/** Thresholds, values and codes by rank, each with what NaN becomes at the end. */
export function placeRanks(memory: KernelMemory, row: NumberFormat, params: ChannelParams): PlacedTables {
  return row.table || row.layout ? fixedRanks(memory, row) : lookUpRanks(memory, row, params);
}

function fixedRanks(memory: KernelMemory, row: NumberFormat): PlacedTables {
  const size = 2 ** row.bits;
  const { thresholds, values, codes, nan } = tableOf(row);
  const padded = (from: Float32Array, last: number): Float32Array => {
    const out = new Float32Array(size + 1).fill(last);
    out.set(from);
    return out;
  };
  put(memory, THRESHOLDS, padded(thresholds, Infinity));
  put(memory, VALUES, padded(values, valuesOf(row)[nan]));
  const byRank = new Uint8Array(memory.buffer, CODES, size + 1).fill(nan);
  byRank.set(codes);
  return { thresholds: THRESHOLDS, values: VALUES, codes: CODES, stride: 0, channels: PIECE };
}

function lookUpRanks(
  memory: KernelMemory,
  row: NumberFormat,
  { scales, tables }: ChannelParams,
): PlacedTables {
  const size = 2 ** row.bits;
  const groups = scales.length;
  const own = size + 1;
  const thresholds = new Float32Array(groups * own).fill(Infinity);
  const values = new Float32Array(groups * own);
  for (let group = 0; group < groups; group++) {
    const table = tables!.subarray(group * size, (group + 1) * size);
    thresholds.set(tableThresholds(table), group * own);
    values.set(table, group * own);
    values[group * own + size] = table[0];
  }
  const codes = new Uint8Array(memory.buffer, CODES, own);
  for (let rank = 0; rank < own; rank++) codes[rank] = rank % size;
  return {
    ...{ thresholds: THRESHOLDS, values: VALUES, codes: CODES },
    ...perChannel(groups, own, (start, end) => {
      put(memory, THRESHOLDS, thresholds.subarray(start, end));
      put(memory, VALUES, values.subarray(start, end));
    }),
  };
}

/** Values by code. */
export function placeValues(memory: KernelMemory, row: NumberFormat, params: ChannelParams): PlacedTables {
  const at = { thresholds: THRESHOLDS, values: VALUES, codes: CODES };
  if (row.table || row.layout) {
    put(memory, VALUES, valuesOf(row));
    return { ...at, stride: 0, channels: PIECE };
  }
  const copy = (start: number, end: number): void => put(memory, VALUES, params.tables!.subarray(start, end));
  return { ...at, ...perChannel(params.scales.length, 2 ** row.bits, copy) };
}

/** One table for all is brought once, those of several groups piece by piece. */
function perChannel(
  groups: number,
  size: number,
  copy: (start: number, end: number) => void,
): Pick<PlacedTables, 'stride' | 'channels' | 'prepare'> {
  if (groups === 1) {
    copy(0, size);
    return { stride: 0, channels: PIECE };
  }
  const prepare = ({ channel, channels }: Piece): void => copy(channel * size, (channel + channels) * size);
  return { stride: 4 * size, channels: Math.floor(ROOM / (4 * size)), prepare };
}
