import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { QuantizeError, usageError } from '../errors.js';
import { discard, removeOnExit, settled } from './leftovers.js';

/** Bytes, text, or pieces of them in order; an async source is written as it comes. */
export type Content = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A file under construction: written beside its destination, which it replaces only when it is whole. */
export interface PendingFile {
  readonly path: string;
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the content durable and puts it in place. */
  commit(): Promise<void>;
  /** Removes what was written. */
  abandon(): Promise<void>;
}

/**
 * Writes `file` so that it is either whole or untouched: into a temporary file in the same folder, synced, then
 * renamed over it. A device or pipe (/dev/stdout) is written directly.
 * @throws QuantizeError OUTPUT_WRITE
 */
export async function writeAtomic(file: string, content: Content): Promise<void> {
  const pending = await createPending(file);
  try {
    for await (const piece of pieces(content)) await pending.write(piece);
    await pending.commit();
  } catch (cause) {
    await pending.abandon();
    throw cause;
  }
}

function pieces(content: Content): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [Buffer.from(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/** Starts a file; the caller must commit or abandon it. @throws QuantizeError OUTPUT_WRITE */
export async function createPending(file: string): Promise<PendingFile> {
  return attempt(file, async () => {
    const target = await realpath(file).catch(() => file);
    const before = await stat(target).catch(() => undefined);
    if (before?.isDirectory()) throw outputError(file, 'it is a folder');
    if (before && !before.isFile()) return direct(file, await open(target, 'w'));
    const temporary = join(dirname(target), `.quantize-${randomBytes(6).toString('hex')}.tmp`);
    const handle = await open(temporary, 'wx', before ? before.mode & 0o777 : 0o666);
    removeOnExit(temporary);
    return beside(file, target, temporary, handle);
  });
}

function beside(file: string, target: string, temporary: string, handle: FileHandle): PendingFile {
  return {
    path: file,
    write: (bytes) => attempt(file, () => writeAll(handle, bytes)),
    commit: () =>
      attempt(file, async () => {
        await handle.sync();
        await handle.close();
        await rename(temporary, target);
        settled(temporary);
      }),
    async abandon() {
      await handle.close().catch(() => undefined);
      discard(temporary);
    },
  };
}

function direct(file: string, handle: FileHandle): PendingFile {
  return {
    path: file,
    write: (bytes) => attempt(file, () => writeAll(handle, bytes)),
    commit: () => attempt(file, () => handle.close()),
    abandon: () => handle.close().catch(() => undefined),
  };
}

/** One write call may take less than it was given; the system's limit is just below 2 GiB. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, Math.min(2 ** 30, bytes.length - at));
    at += bytesWritten;
  }
}

/** Does work that writes `file`; what the system refuses becomes OUTPUT_WRITE. */
export async function attempt<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof QuantizeError) throw cause;
    const error = cause as NodeJS.ErrnoException;
    throw outputError(file, REASONS[error.code ?? ''] ?? error.message, error);
  }
}

const REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would exceed the largest size that is allowed here',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of its path is not a folder',
};

export function outputError(file: string, why: string, cause?: unknown): QuantizeError {
  return usageError('OUTPUT_WRITE', `cannot write ${file}: ${why}`, {
    where: { file },
    hint: 'Give a path in a folder that exists, is writable and has room.',
    cause,
  });
}
