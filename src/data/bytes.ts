import { createHash } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { invalidError } from '../errors.js';

/** Compressed or piped data up to this size stays in memory; larger data goes to a temporary file. */
const MAX_HELD_BYTES = 32 * 2 ** 20;
/** Bound on what a compressed entry or standard input may expand to, against archive bombs. */
export const MAX_UNPACKED_BYTES = 8 * 2 ** 30;

/** Random access to bytes of known size, so that one sample of a large array costs one small read. */
export interface ByteRange {
  size: number;
  /** Exactly `length` bytes in a buffer of their own. Throws SAMPLE_READ (invalid) when they are not there. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

const nothing = async () => {};

export function memoryBytes(bytes: Uint8Array): ByteRange {
  // A Buffer's slice() would not copy.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    size: plain.length,
    read: async (offset, length) => plain.slice(offset, offset + length),
    close: nothing,
  };
}

/** A file, or `size` bytes of it from `start`. Opened for each read, so that a folder of files holds no handles. */
export async function fileBytes(file: string, start = 0, size?: number): Promise<ByteRange> {
  const length = size ?? (await stat(file)).size - start;
  return { size: length, read: (offset, n) => readAt(file, start + offset, n), close: nothing };
}

async function readAt(file: string, offset: number, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(length);
  const handle = await open(file, 'r');
  try {
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
      if (bytesRead === 0) throw truncated(file, offset + done);
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return buffer;
}

const truncated = (file: string, byte: number) =>
  invalidError('SAMPLE_READ', `"${file}" ends before the data that it declares`, { where: { file, byte } });

export interface Unpacked extends ByteRange {
  /** sha256 of all bytes. */
  hash: string;
}

/**
 * Reads a stream of unknown length to its end: into memory while it is small, else into a private temporary file
 * that `close` removes. Throws SAMPLE_TOO_LARGE (invalid) beyond `limit` bytes.
 */
export async function unpack(
  stream: AsyncIterable<Uint8Array>,
  what: string,
  limit = MAX_UNPACKED_BYTES,
): Promise<Unpacked> {
  const hash = createHash('sha256');
  const counted = count(stream, what, limit, (chunk) => hash.update(chunk));
  const held: Uint8Array[] = [];
  let size = 0;
  for (let next = await counted.next(); !next.done; next = await counted.next()) {
    held.push(next.value);
    size += next.value.length;
    if (size > MAX_HELD_BYTES) {
      const range = await spool(held, counted);
      return { ...range, hash: hash.digest('hex') };
    }
  }
  return { ...memoryBytes(Buffer.concat(held)), hash: hash.digest('hex') };
}

/** Passes chunks on while their sum stays within `limit`. */
export async function* count(
  stream: AsyncIterable<Uint8Array>,
  what: string,
  limit: number,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit)
      throw invalidError('SAMPLE_TOO_LARGE', `${what} unpacks to more than ${limit} bytes`, {
        hint: 'Split the data into several files.',
      });
    see(chunk);
    yield chunk;
  }
}

async function spool(head: Uint8Array[], rest: AsyncIterable<Uint8Array>): Promise<ByteRange> {
  const all = async function* () {
    yield* head;
    yield* rest;
  };
  const { file, close } = await temporaryFile(all());
  return { ...(await fileBytes(file)), close };
}

/** Writes a stream to a private temporary file, which `close`, or the end of the process, removes. */
export async function temporaryFile(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ file: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'quantize-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const close = async () => {
    process.removeListener('exit', remove);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const file = join(folder, 'samples');
    await pipeline(Readable.from(stream), createWriteStream(file));
    return { file, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}
