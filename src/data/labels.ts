import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { invalidError, type QuantizeError } from '../errors.js';
import { fileBytes } from './bytes.js';
import { typedArray } from './convert.js';
import { openNpy, type StoredArray } from './npy.js';
import { idx, openIdx } from './readers/idx.js';

/** One label a sample and a short name each: a larger file is something else. */
const MAX_LABEL_BYTES = 256 * 2 ** 20;

/** Labels by sample name, or in the order of the samples. */
type Labels = { byName: Map<string, number> } | { inOrder: number[] };

/**
 * The class index of every sample of `ids`, in their order. Reads a table (.tsv, .csv with a column `file` and one of
 * `index`, `label`, `class`, or file and index without a header), an .npy or IDX of integers, uint8 .bin, or one
 * number a line.
 * @param ids as SampleSource.ids gives them
 * @param positions index of each sample in the whole set (for a set that was cut); default 0, 1, 2, …
 * @throws LABELS_FORMAT, LABELS_MISSING, LABELS_COUNT (invalid)
 */
export async function readLabels(
  path: string,
  ids: readonly string[],
  positions: readonly number[] = ids.map((_, i) => i),
): Promise<number[]> {
  const labels = await load(path);
  if ('byName' in labels) return lookUp(labels.byName, ids, path);
  const needed = positions.reduce((most, at) => Math.max(most, at + 1), 0);
  if (labels.inOrder.length < needed)
    throw invalidError(
      'LABELS_COUNT',
      `"${path}" has ${labels.inOrder.length} labels for ${needed} samples`,
      {
        where: { file: path },
        hint: 'Labels without names go by position: one for each sample, in the same order.',
      },
    );
  return positions.map((at) => labels.inOrder[at]);
}

/**
 * What a network is to give for each sample: rows of an .npy of floats [samples, …]. Undefined where the file holds no
 * floats, but classes.
 * @throws QuantizeError LABELS_COUNT (invalid)
 */
export async function readAnswers(path: string, samples: number): Promise<Float32Array[] | undefined> {
  if (!path.toLowerCase().endsWith('.npy')) return undefined;
  const { dtype, dims, bytes, start, swap } = await openNpy(await fileBytes(path), path);
  if (!dtype.startsWith('float')) return undefined;
  if (dims[0] < samples)
    throw invalidError('LABELS_COUNT', `"${path}" has ${dims[0]} rows for ${samples} samples`, {
      where: { file: path },
    });
  const values = Float32Array.from(
    typedArray(dtype, await bytes.read(start, bytes.size - start), swap) as Float32Array,
  );
  const size = values.length / dims[0];
  return Array.from({ length: samples }, (_, row) => values.subarray(row * size, (row + 1) * size));
}

/**
 * Reads labels without samples that they belong to, so that a file that holds none is told before there are any.
 * @throws QuantizeError LABELS_FORMAT (invalid)
 */
export async function checkLabels(path: string): Promise<void> {
  await load(path);
}

async function load(path: string): Promise<Labels> {
  const { size } = await stat(path).catch(() => {
    throw bad(path, 'does not exist');
  });
  if (size > MAX_LABEL_BYTES) throw bad(path, `has ${size} bytes`);
  const name = path.toLowerCase();
  if (name.endsWith('.npy'))
    return { inOrder: await arrayLabels(await openNpy(await fileBytes(path), path), path) };
  if (idx.accepts(name)) return { inOrder: await arrayLabels(await openIdx({ path, label: path }), path) };
  if (name.endsWith('.bin')) return { inOrder: [...(await readFile(path))] };
  return textLabels((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''), path);
}

async function arrayLabels(array: StoredArray, path: string): Promise<number[]> {
  if (array.dtype.startsWith('float')) throw bad(path, `holds ${array.dtype}, not integers`);
  const values = typedArray(
    array.dtype,
    await array.bytes.read(array.start, array.bytes.size - array.start),
    array.swap,
  );
  return Array.from(values as ArrayLike<number | bigint>, Number);
}

function textLabels(text: string, path: string): Labels {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw bad(path, 'is empty');
  const separator = ['\t', ',', ';'].find((s) => lines[0].includes(s));
  if (!separator && lines.every((line) => isIndex(line.trim()))) return { inOrder: lines.map(Number) };
  const rows = lines.map((line) => line.split(separator ?? /\s+/).map(unquote));
  const header = rows[0].map((cell) => cell.toLowerCase());
  const headed = !rows[0].some(isIndex);
  const file = Math.max(
    0,
    header.findIndex((h) => ['file', 'filename', 'image', 'path', 'name', 'id'].includes(h)),
  );
  const wanted = header.findIndex((h) => ['index', 'label', 'class', 'target', 'class_id'].includes(h));
  const index = headed ? wanted : 1;
  if (index < 0 || rows[0].length < 2) throw bad(path, 'has no column "index", "label" or "class"');
  return { byName: tableLabels(rows, headed ? 1 : 0, headed ? file : 0, index, path) };
}

function tableLabels(rows: string[][], from: number, file: number, index: number, path: string) {
  const byName = new Map<string, number>();
  for (let line = from; line < rows.length; line++) {
    const [name, label] = [rows[line][file], rows[line][index] ?? ''];
    if (!isIndex(label)) throw bad(path, `line ${line + 1}: "${label}" is not a class index`);
    byName.set(name, Number(label));
  }
  return byName;
}

const isIndex = (cell: string): boolean => /^\d+$/.test(cell);
const unquote = (cell: string): string => cell.trim().replace(/^"(.*)"$/, '$1');

/** A sample is looked up by its path in the folder, then by its file name alone. */
function lookUp(byName: Map<string, number>, ids: readonly string[], path: string): number[] {
  const find = (id: string) =>
    byName.get(id) ?? byName.get(basename(id)) ?? byName.get(id.replace(/\.[^.]+$/, ''));
  const found = ids.map(find);
  const missing = ids.filter((_, i) => found[i] === undefined);
  if (missing.length > 0)
    throw invalidError(
      'LABELS_MISSING',
      `"${path}" has no label for ${missing.length} of ${ids.length} samples, the first being "${missing[0]}"`,
      {
        where: { file: path, sample: missing[0] },
        hint: 'Its first column must hold the names of the sample files.',
      },
    );
  return found as number[];
}

const bad = (path: string, what: string): QuantizeError =>
  invalidError('LABELS_FORMAT', `labels "${path}": ${what}`, {
    where: { file: path },
    hint: 'Give a table with the columns file and index, an .npy of integers, uint8 .bin, or one number a line.',
  });
