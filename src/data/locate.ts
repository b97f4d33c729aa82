import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { invalidError } from '../errors.js';
import { READERS, readerOf } from './readers/index.js';
import type { Reader, SampleFile } from './readers/types.js';

/** More files than any calibration set has: a sign that the wrong folder was given. */
const MAX_FILES = 2_000_000;
const MAX_DEPTH = 16;

const natural = new Intl.Collator('en', { numeric: true });
/** "img2" before "img10"; equal under that order falls back to code points, so that the order is the same everywhere. */
const byName = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);

/**
 * The sample files at a path, in natural order, and the one reader that takes them all. Folders are searched to any
 * depth; files that no reader knows (labels, licences) are passed over.
 * @throws SAMPLES_NOT_FOUND, SAMPLES_EMPTY, SAMPLES_MIXED (invalid)
 */
export async function locate(path: string): Promise<{ reader: Reader; files: SampleFile[] }> {
  const found = await stat(path).catch(() => undefined);
  if (!found)
    throw invalidError('SAMPLES_NOT_FOUND', `there is nothing at "${path}"`, {
      where: { file: path },
      hint: 'Give a folder of images, .npy, .npz or test_data_set_*, one such file, or "-" for standard input.',
    });
  if (!found.isDirectory()) {
    const reader = readerOf(path);
    if (reader) return { reader, files: [{ path, label: basename(path) }] };
    throw unknownFormat(path);
  }
  const files = await walk(path);
  const readers = new Set(files.map(({ path }) => readerOf(path)!));
  if (readers.size === 0) throw empty(path);
  if (readers.size > 1)
    throw invalidError(
      'SAMPLES_MIXED',
      `"${path}" mixes ${[...readers].map((r) => r.id).join(' and ')} samples`,
      {
        where: { file: path },
        hint: 'Put each kind in a folder of its own.',
      },
    );
  return { reader: [...readers][0], files };
}

async function walk(root: string): Promise<SampleFile[]> {
  const files: SampleFile[] = [];
  const visit = async (folder: string, label: string, depth: number): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => byName(a.name, b.name))) {
      if (entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      const name = label ? `${label}/${entry.name}` : entry.name;
      const isFolder =
        entry.isDirectory() || (entry.isSymbolicLink() && (await isDirectory(join(root, path))));
      if (isFolder && depth < MAX_DEPTH) await visit(path, name, depth + 1);
      else if (!isFolder && readerOf(entry.name)) files.push({ path: join(root, path), label: name });
      if (files.length > MAX_FILES) throw tooMany(root);
    }
  };
  await visit('', '', 0);
  return files;
}

const isDirectory = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

const tooMany = (path: string) =>
  invalidError('SAMPLES_MIXED', `"${path}" holds more than ${MAX_FILES} files`, { where: { file: path } });
const empty = (path: string) =>
  invalidError('SAMPLES_EMPTY', `there are no samples in "${path}"`, {
    where: { file: path },
    hint: `Readable formats: ${READERS.map((reader) => reader.id).join(', ')}.`,
  });
const unknownFormat = (path: string) =>
  invalidError('SAMPLES_FORMAT', `"${path}" is of no known sample format`, {
    where: { file: path },
    hint: READERS.map((reader) => reader.description).join('; '),
  });
