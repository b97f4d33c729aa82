import protobuf from 'protobufjs/minimal.js';
import { bytesOf } from '../ir/tensor.js';
import { KINDS, type KindRow, LENGTH } from './kinds.js';
import type { Field, Kind, Schema } from './schema.js';
import { textLength, writeText } from './text.js';
import { varintSize, writeVarint } from './varint.js';

type Fields = Record<string, unknown>;

/** Bytes that are not in memory yet: an external tensor on its way into the file. */
export interface LazyBytes {
  readonly length: number;
  read(): Uint8Array;
}

/** Pieces of an encoded message in order. Large byte fields are the model's own arrays, not copies. */
export type Chunk = Uint8Array | LazyBytes;

export interface Encoded {
  length: number;
  chunks: Chunk[];
}

/** Stands in for a message while it is encoded: how tensors move between the file and external data. */
export type Replace = (schema: Schema, message: Fields) => Fields;

/** Byte fields from this size on are passed on by reference. */
const BY_REFERENCE = 4096;

/**
 * Encodes in two passes, as protobuf's own writers do: the first finds the length of every message, the second
 * writes each byte once, at its final place. Large byte fields are not copied.
 */
export function encode(schema: Schema, message: object, replace: Replace = (_, m) => m): Encoded {
  const encoder = new Encoder(replace);
  const length = encoder.measure(schema, message as Fields);
  encoder.write(schema, message as Fields);
  return { length, chunks: encoder.finish() };
}

type Write = (writer: protobuf.Writer, value: never) => void;

/** How one value of each scalar kind is measured and written, its tag and length prefix excluded. */
const SCALARS: Partial<Record<Kind, { size: (value: never) => number; write: Write }>> = {};
const scalar = <T>(
  kinds: Kind[],
  size: (value: T) => number,
  write: (writer: protobuf.Writer, value: T) => void,
) => {
  for (const kind of kinds) SCALARS[kind] = { size, write };
};
scalar<string>(['string', 'name', 'strings'], textLength, (writer, text) => writer.raw(writeText(text)));
scalar<number | bigint>(['int', 'ints', 'bigint', 'bigints'], varintSize, writeVarint);
scalar<number>(
  ['float', 'floats'],
  () => 4,
  (writer, value) => writer.float(value),
);

type Varints = Int32Array | BigInt64Array | BigUint64Array;

class Encoder {
  private readonly replace: Replace;
  /** Lengths of messages and packed lists in the order of writing, so that nothing is measured twice. */
  private readonly sizes: number[] = [];
  private next = 0;
  private readonly writer = protobuf.Writer.create();
  private readonly references: { at: number; bytes: Chunk }[] = [];

  constructor(replace: Replace) {
    this.replace = replace;
  }

  measure(schema: Schema, original: Fields): number {
    const message = this.replace(schema, original);
    const slot = this.sizes.push(0) - 1;
    let total = 0;
    for (const field of schema.fields)
      for (const value of values(field, message)) {
        const content = this.measureValue(field, value);
        const prefix = wireOf(KINDS[field.kind]) === LENGTH ? varintSize(content) : 0;
        total += tagSize(field) + prefix + content;
      }
    for (const bytes of (message.unknown ?? []) as Uint8Array[]) total += bytes.length;
    this.sizes[slot] = total;
    return total;
  }

  private measureValue(field: Field, value: unknown): number {
    if (field.schema) return this.measure(field.schema(), value as Fields);
    const scalar = SCALARS[field.kind];
    if (scalar) return scalar.size(value as never);
    const varints = KINDS[field.kind].wire === LENGTH ? undefined : asVarints(value);
    if (!varints) return (value as Chunk).length;
    let total = 0;
    for (const v of varints) total += varintSize(v);
    this.sizes.push(total);
    return total;
  }

  write(schema: Schema, original: Fields): void {
    const message = this.replace(schema, original);
    this.next++;
    for (const field of schema.fields)
      for (const value of values(field, message)) {
        this.writer.uint32(((field.number << 3) | wireOf(KINDS[field.kind])) >>> 0);
        this.writeValue(field, value);
      }
    for (const bytes of (message.unknown ?? []) as Uint8Array[]) this.bytes(bytes);
  }

  private writeValue(field: Field, value: unknown): void {
    const { writer } = this;
    if (field.schema) {
      writer.uint32(this.sizes[this.next]);
      this.write(field.schema(), value as Fields);
      return;
    }
    const scalar = SCALARS[field.kind];
    if (scalar) {
      if (KINDS[field.kind].wire === LENGTH) writer.uint32(scalar.size(value as never));
      scalar.write(writer, value as never);
      return;
    }
    const varints = KINDS[field.kind].wire === LENGTH ? undefined : asVarints(value);
    writer.uint32(varints ? this.sizes[this.next++] : (value as Chunk).length);
    if (varints) for (const v of varints) writeVarint(writer, v);
    else this.bytes(value as Chunk);
  }

  private bytes(bytes: Chunk): void {
    if (bytes instanceof Uint8Array && bytes.length < BY_REFERENCE) this.writer.raw(bytes);
    else this.references.push({ at: this.writer.pos, bytes });
  }

  /** The written bytes with the referenced ones in their places. */
  finish(): Chunk[] {
    const written = bytesOf(this.writer.finish(true));
    const chunks: Chunk[] = [];
    let from = 0;
    for (const { at, bytes } of this.references) {
      if (at > from) chunks.push(written.subarray(from, at));
      chunks.push(bytes);
      from = at;
    }
    if (from < written.length) chunks.push(written.subarray(from));
    return chunks;
  }
}

const wireOf = (row: KindRow): number => (row.packed ? LENGTH : row.wire);
const tagSize = (field: Field): number => varintSize(field.number << 3);
const asVarints = (value: unknown): Varints | undefined =>
  value instanceof Int32Array || value instanceof BigInt64Array || value instanceof BigUint64Array
    ? value
    : undefined;

/** The occurrences of a field: none when it is absent, one for a packed list, one per element of other lists. */
function values(field: Field, message: Fields): readonly unknown[] {
  const value = message[field.property];
  if (value === undefined || (field.kind === 'name' && value === '')) return [];
  return KINDS[field.kind].list ? (value as unknown[]) : [value];
}
