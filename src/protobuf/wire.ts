import protobuf from 'protobufjs/minimal.js';
import { LENGTH } from './kinds.js';
import { MAX_UNITS } from './limits.js';
import { readText } from './text.js';

/** A refusal by the decoder, before it knows the file and the path of the message. */
export class Refusal extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Values of the wire format, on top of protobufjs's Reader: bounds, exact 64-bit integers, lossless text. */
export class Wire {
  readonly bytes: Uint8Array;
  readonly reader: protobuf.Reader;
  private readonly text: Buffer;
  private units = MAX_UNITS;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // Not Reader.create: a BufferReader hands out Buffers, whose slice() does not copy as a Uint8Array's does.
    this.reader = new protobuf.Reader(bytes);
  }

  /** Charges memory to the budget of this decode. */
  spend(units: number): void {
    this.units -= units;
    if (this.units < 0)
      throw new Refusal('MODEL_TOO_COMPLEX', 'it declares more objects than any real model');
  }

  /** The length prefix of a field, checked against what is left; returns the end offset. */
  end(): number {
    const { reader } = this;
    const end = reader.size() + reader.pos;
    if (end > this.bytes.length)
      throw new Refusal(
        'MODEL_TRUNCATED',
        `a field needs ${end - this.bytes.length} bytes more than there are`,
      );
    if (end > reader.len)
      throw new Refusal('MODEL_MALFORMED', 'a field is longer than the message around it');
    return end;
  }

  view(): Uint8Array {
    const end = this.end();
    const start = this.reader.pos;
    this.reader.pos = end;
    return this.bytes.subarray(start, end);
  }

  string(): string {
    const end = this.end();
    const start = this.reader.pos;
    this.reader.pos = end;
    return readText(this.text, start, end);
  }

  /** A varint: a number below 2^49, else a bigint of its 64 bits, unsigned. */
  varint(): number | bigint {
    const { reader, bytes } = this;
    let value = 0;
    for (let i = 0, unit = 1; i < 7; i++, unit *= 128) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    let wide = BigInt(value);
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      const byte = this.byte();
      wide |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, wide);
    }
    throw new Refusal(
      'MODEL_MALFORMED',
      `an integer is longer than 10 bytes (last byte ${bytes[reader.pos - 1]})`,
    );
  }

  private byte(): number {
    const { reader } = this;
    if (reader.pos >= reader.len) throw new RangeError('an integer runs past the end');
    return this.bytes[reader.pos++];
  }

  bigint(): bigint {
    return BigInt.asIntN(64, BigInt(this.varint()));
  }

  /** A 64-bit integer that must be a safe number. */
  int(): number {
    const value = this.varint();
    if (typeof value === 'number') return value;
    const number = Number(BigInt.asIntN(64, value));
    if (Number.isSafeInteger(number)) return number;
    throw new Refusal('MODEL_MALFORMED', `the number ${BigInt.asIntN(64, value)} is beyond ±2^53`);
  }

  int32(): number {
    const value = this.varint();
    return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  /** Passes over a field and returns its wire bytes, tag included. */
  skip(tag: number, start: number): Uint8Array {
    if ((tag & 7) === LENGTH) this.reader.pos = this.end();
    else this.reader.skipType(tag & 7, 0, tag >>> 3);
    return this.bytes.subarray(start, this.reader.pos);
  }
}
