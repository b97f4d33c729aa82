import { type NumberArray, numberArray } from './grow.js';
import type { Packed } from './kinds.js';
import { Refusal, type Wire } from './wire.js';

/** How each packed list is read: whole (a view where the storage allows) and value by value. */
export interface PackedReader {
  make(length: number): NumberArray;
  one(wire: Wire): NumberArray;
  /** Reads up to `end`, leaving the reader there. */
  all(wire: Wire, end: number): NumberArray;
}

const view = (wire: Wire, length: number): NumberArray => {
  const start = wire.reader.pos;
  wire.reader.skip(length);
  return numberArray(wire.bytes.subarray(start, start + length));
};

const fixed = (size: number): PackedReader => ({
  make: (length) => numberArray(new Uint8Array(length)),
  one: (wire) => view(wire, size),
  all(wire, end) {
    const length = end - wire.reader.pos;
    if (length % size)
      throw new Refusal('MODEL_MALFORMED', `${length} bytes are not a whole number of ${size}-byte values`);
    return view(wire, length);
  },
});

interface TypedArray<V> {
  [index: number]: V;
  readonly length: number;
}

const varints = <V>(make: (length: number) => TypedArray<V>, read: (wire: Wire) => V): PackedReader => {
  const fill = (wire: Wire, count: number): NumberArray => {
    const out = make(count);
    for (let i = 0; i < count; i++) out[i] = read(wire);
    return numberArray(out);
  };
  return {
    make: (length) => numberArray(make(length)),
    one: (wire) => fill(wire, 1),
    all: (wire, end) => fill(wire, countVarints(wire.bytes, wire.reader.pos, end)),
  };
};

/** Every varint ends in a byte below 128. */
function countVarints(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i++) if (bytes[i] < 128) count++;
  return count;
}

export const PACKED: Record<Packed, PackedReader> = {
  bytes4: fixed(4),
  bytes8: fixed(8),
  int32: varints(
    (n) => new Int32Array(n),
    (wire) => wire.int32(),
  ),
  int64: varints(
    (n) => new BigInt64Array(n),
    (wire) => wire.bigint(),
  ),
  uint64: varints(
    (n) => new BigUint64Array(n),
    (wire) => BigInt(wire.varint()),
  ),
};
