import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { attempt, outputError, writeAll } from './atomic.js';
import { discard, removeOnExit, settled } from './leftovers.js';

/** A file of a folder that is written as one: its path inside, with "/", and its bytes in pieces. */
export interface FolderFile {
  path: string;
  chunks: Iterable<Uint8Array>;
}

/**
 * Writes a folder so that it is either whole or untouched: beside its destination first, synced, then renamed. A
 * folder that is there is replaced when it holds the first of `files`, that is when it is one of the same kind.
 * @throws QuantizeError OUTPUT_WRITE
 */
export async function saveFolder(folder: string, files: readonly FolderFile[]): Promise<void> {
  const target = resolve(folder);
  await attempt(folder, () => refuseForeign(folder, target, files[0].path));
  const temporary = join(dirname(target), `.quantize-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await attempt(folder, async () => {
      await mkdir(temporary);
      removeOnExit(temporary);
      for (const file of files) await writeInside(temporary, file);
      await putInPlace(temporary, target);
    });
    settled(temporary);
  } catch (cause) {
    discard(temporary);
    throw cause;
  }
}

async function refuseForeign(folder: string, target: string, mark: string): Promise<void> {
  const before = await stat(target).catch(() => undefined);
  if (before && !before.isDirectory()) throw outputError(folder, 'it is a file, and a package is a folder');
  if (before && !existsSync(join(target, mark)))
    throw outputError(folder, 'a folder that is no package of this kind is there');
}

async function writeInside(root: string, { path, chunks }: FolderFile): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'wx');
  try {
    for (const chunk of chunks) await writeAll(handle, chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder cannot be renamed over another, so the old one steps aside for a moment. */
async function putInPlace(temporary: string, target: string): Promise<void> {
  const old = `${temporary}.old`;
  const replaced = await rename(target, old).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return false;
      throw cause;
    },
  );
  try {
    await rename(temporary, target);
  } catch (cause) {
    if (replaced) await rename(old, target);
    throw cause;
  }
  if (replaced) discard(old);
}
