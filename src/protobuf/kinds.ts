import type { Kind } from './schema.js';

/** protobuf's wire types. Groups (3 and 4) occur only inside fields that this build does not know. */
export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const FIXED32 = 5;

/** Typed arrays that hold a packed list. */
export type Packed = 'bytes4' | 'bytes8' | 'int32' | 'int64' | 'uint64';

export interface KindRow {
  /** Wire type of one value. */
  wire: number;
  /** The property is an array with one element per value. */
  list?: true;
  /** The property is one typed array for the whole list, which is written packed. */
  packed?: Packed;
}

export const KINDS: Record<Kind, KindRow> = {
  string: { wire: LENGTH },
  name: { wire: LENGTH },
  strings: { wire: LENGTH, list: true },
  bytes: { wire: LENGTH },
  bytesList: { wire: LENGTH, list: true },
  int: { wire: VARINT },
  ints: { wire: VARINT, list: true },
  bigint: { wire: VARINT },
  bigints: { wire: VARINT, list: true },
  float: { wire: FIXED32 },
  floats: { wire: FIXED32, list: true },
  floatBytes: { wire: FIXED32, packed: 'bytes4' },
  doubleBytes: { wire: FIXED64, packed: 'bytes8' },
  int32Array: { wire: VARINT, packed: 'int32' },
  int64Array: { wire: VARINT, packed: 'int64' },
  uint64Array: { wire: VARINT, packed: 'uint64' },
  message: { wire: LENGTH },
  messages: { wire: LENGTH, list: true },
};
