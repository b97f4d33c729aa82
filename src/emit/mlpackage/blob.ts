import { invalidError } from '../../errors.js';

/**
 * weight.bin, MIL blob storage version 2, little endian: a 64-byte header (count, version), then for each entry,
 * aligned to 64, a 64-byte record (sentinel, type, size, offset of the data, padding bits) and the data behind it.
 * Checked against coremltools, which writes and reads the same bytes.
 */
const ALIGNMENT = 64;
const SENTINEL = 0xdeadbeef;
const VERSION = 2;

export interface Blob {
  /** Code of blob storage, not of MIL. */
  type: number;
  bytes: Uint8Array;
  /** Bits of the last byte that hold no element. */
  paddingBits: number;
}

/** Collects blobs; equal ones are stored once. */
export class BlobWriter {
  private readonly pieces: Uint8Array[] = [];
  private readonly known = new Map<string, number>();
  private count = 0;
  private end = ALIGNMENT;

  /** The offset that a BlobFileValue states: that of the record. */
  add(blob: Blob, key: string): number {
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const start = align(this.end);
    const record = new DataView(new ArrayBuffer(ALIGNMENT));
    record.setUint32(0, SENTINEL, true);
    record.setUint32(4, blob.type, true);
    record.setBigUint64(8, BigInt(blob.bytes.length), true);
    record.setBigUint64(16, BigInt(start + ALIGNMENT), true);
    record.setBigUint64(24, BigInt(blob.paddingBits), true);
    this.pieces.push(new Uint8Array(start - this.end), new Uint8Array(record.buffer), blob.bytes);
    this.end = start + ALIGNMENT + blob.bytes.length;
    this.known.set(key, start);
    this.count++;
    return start;
  }

  /** The file in pieces; undefined when nothing was added, and then there is no file. */
  finish(): Uint8Array[] | undefined {
    if (this.count === 0) return undefined;
    const header = new DataView(new ArrayBuffer(ALIGNMENT));
    header.setUint32(0, this.count, true);
    header.setUint32(4, VERSION, true);
    return [new Uint8Array(header.buffer), ...this.pieces.filter((p) => p.length > 0)];
  }
}

const align = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/** The entry whose record lies at `offset`. @throws QuantizeError PACKAGE_DAMAGED (invalid) */
export function readBlob(file: Uint8Array, offset: number): Blob {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (offset + ALIGNMENT > file.length || view.getUint32(offset, true) !== SENTINEL) throw damaged(offset);
  const size = Number(view.getBigUint64(offset + 8, true));
  const start = Number(view.getBigUint64(offset + 16, true));
  if (start + size > file.length) throw damaged(offset);
  return {
    type: view.getUint32(offset + 4, true),
    bytes: file.subarray(start, start + size),
    paddingBits: Number(view.getBigUint64(offset + 24, true)),
  };
}

const damaged = (offset: number) =>
  invalidError('PACKAGE_DAMAGED', `weight.bin has no entry at byte ${offset}`, { where: { byte: offset } });
