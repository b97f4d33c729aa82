import type { Codes } from './codec.js';

/**
 * Codes of 1…8 bits one after the other, the first in the lowest bits of the first byte, the rest of the last byte
 * zero: how ONNX stores its types of 2 and 4 bits (two's complement where they are signed), and the same for other widths.
 */
export function packCodes(codes: Codes | Uint8Array, bits: number): Uint8Array {
  const bytes = new Uint8Array(packedBytes(codes.length, bits));
  const mask = 2 ** bits - 1;
  let at = 0;
  for (let i = 0; i < codes.length; i++, at += bits) {
    const shifted = (codes[i] & mask) << (at & 7);
    bytes[at >>> 3] |= shifted;
    if (shifted > 0xff) bytes[(at >>> 3) + 1] |= shifted >>> 8;
  }
  return bytes;
}

/** Bytes of `n` packed codes. */
export const packedBytes = (n: number, bits: number): number => Math.ceil((n * bits) / 8);

/**
 * The opposite of `packCodes`.
 * @throws RangeError when there are too few bytes
 */
export function unpackCodes(
  bytes: Uint8Array,
  n: number,
  bits: number,
  signed: boolean,
): Int8Array | Uint8Array {
  if (bytes.length < packedBytes(n, bits)) {
    throw new RangeError(`${bytes.length} bytes for ${n} codes of ${bits} bits`);
  }
  const out = signed ? new Int8Array(n) : new Uint8Array(n);
  const away = 32 - bits;
  for (let i = 0, at = 0; i < n; i++, at += bits) {
    const pair = bytes[at >>> 3] | (bytes[(at >>> 3) + 1] << 8);
    const up = (pair >>> (at & 7)) << away;
    out[i] = signed ? up >> away : up >>> away;
  }
  return out;
}
