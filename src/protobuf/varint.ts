import type protobuf from 'protobufjs/minimal.js';

/** Bytes of an integer as a protobuf varint; a negative one takes ten, as 64-bit two's complement. */
export function varintSize(value: number | bigint): number {
  if (value < 0) return 10;
  let size = 1;
  for (let limit = 128; size < 10 && value >= limit; limit *= 128) size++;
  return size;
}

/** Writes an int64, uint64 or int32 exactly. */
export function writeVarint(writer: protobuf.Writer, value: number | bigint): void {
  const number = Number(value);
  if (Number.isSafeInteger(number)) writer.int64(number);
  else writer.raw(wideVarint(BigInt.asUintN(64, BigInt(value))));
}

function wideVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
