import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { invalidError, usageError } from '../../errors.js';
import type { Shell, Sink } from '../shell.js';

/** A private folder, and its end. */
function scratch(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Also when the process leaves in the middle, by a second Ctrl-C.
  process.once('exit', remove);
  return {
    folder,
    remove() {
      process.off('exit', remove);
      remove();
    },
  };
}

/**
 * Spools a model from stdin to a private file: the stages read a model more than once, and it may exceed memory.
 * @throws QuantizeError EMPTY_STDIN (invalid)
 */
export async function modelFromStdin(shell: Shell): Promise<{ file: string; remove(): void }> {
  const { folder, remove } = scratch();
  try {
    const file = join(folder, 'stdin.onnx');
    await pipeline(shell.stdin, createWriteStream(file), { signal: shell.signal });
    if (statSync(file).size === 0) throw invalidError('EMPTY_STDIN', 'no model arrived on stdin');
    return { file, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Lets `produce` write a file in a private folder and copies that file to `stdout`. */
export async function throughFile<T>(
  name: string,
  stdout: Sink,
  produce: (file: string) => Promise<T & { files: string[] }>,
): Promise<T> {
  const { folder, remove } = scratch();
  try {
    const file = join(folder, name);
    const result = await produce(file);
    if (result.files.some((f) => f !== file && f.startsWith(folder)))
      throw usageError('STDOUT_ONE_FILE', 'this model needs more than one file, so it cannot go to stdout', {
        hint: 'give a file name with --output',
      });
    for await (const chunk of createReadStream(file)) await written(stdout, chunk as Uint8Array);
    return result;
  } finally {
    remove();
  }
}

/** Writes and waits until the chunk is handed on. Rejects when the reader is gone. */
const written = (sink: Sink, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    sink.write(chunk, (error) => (error ? reject(error) : resolve()));
  });

/**
 * Writes beside the file first and renames, so that a file is there whole or not at all. What a link leads to is
 * replaced, not the link; a device or pipe is written directly.
 */
export function writeTextFile(file: string, text: string): void {
  const before = statSync(file, { throwIfNoEntry: false });
  const target = before ? realpathSync(file) : file;
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    const direct = before && !before.isFile();
    writeFileSync(direct ? file : temporary, text);
    if (!direct) renameSync(temporary, target);
  } catch (cause) {
    rmSync(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidError('WRITE_FAILED', `cannot write ${file}: ${reason}`, { where: { file }, cause });
  }
}
