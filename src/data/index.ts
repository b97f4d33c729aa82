import { createHash } from 'node:crypto';
import { type Diagnostic, invalidError, usageError } from '../errors.js';
import type { Feeds, ValueMeta } from '../runtime/types.js';
import { openTables } from './bind.js';
import { fitToInput, type Slot } from './fit.js';
import { prefetch } from './prefetch.js';
import { imagePlan } from './preprocess.js';
import { DEFAULT_SYNTHETIC, syntheticFeeds } from './synthetic.js';
import type { Table } from './table.js';
import type { PreprocessOptions, Sample, SampleOptions, SampleSource } from './types.js';

export { findEvaluationBeside, findPreprocessBeside, findSamplesBeside } from './beside.js';
export { checkLabels, readAnswers, readLabels } from './labels.js';
export { withPreset } from './preprocess.js';
export { parsePreprocess, readPreprocess } from './preprocess-file.js';
export { PRESETS, type Preset } from './presets.js';
export { READERS } from './readers/index.js';
export type { PreprocessOptions, Sample, SampleOptions, SampleSource } from './types.js';

/** Samples decoded before they are asked for: enough to keep decoding busy during inference, few to hold. */
const AHEAD = 3;
/** Images smaller than this are not prepared as ImageNet's are. */
const IMAGENET_SIDE = 128;

/**
 * Opens samples for a model's inputs. Only names and headers are read here; values are read, decoded and fitted to
 * the inputs one sample at a time, with at most a few read ahead. Without `from` the samples are synthetic.
 * @throws QuantizeError SAMPLES_*, SAMPLE_*, NPY_*, NPZ_*, IDX_*, RAW_* (invalid), PREPROCESS (usage)
 */
export async function openSamples(options: SampleOptions, inputs: ValueMeta[]): Promise<SampleSource> {
  checkWindow(options);
  if (!options.from?.length) return syntheticSource(options, inputs);
  const table = await openTables(options, inputs);
  const given = options.preprocess;
  const chosen = given && Object.keys(given).length > 0 ? given : undefined;
  const slots = inputs.map((input) => slotOf(input, chosen));
  const rows = window(table.count, options);
  if (rows.count === 0)
    throw invalidError(
      'SAMPLES_EMPTY',
      `none of ${table.count} samples lie behind the first ${options.offset ?? 0}`,
      {
        hint: 'An offset is below the number of samples.',
      },
    );
  const read = async (index: number): Promise<Sample> => {
    const id = table.id(index);
    const raw = await table.read(index);
    const feeds: Feeds = {};
    for (const slot of slots) feeds[slot.input.name] = await fitToInput(raw[slot.input.name], slot, id);
    return { id, index, feeds };
  };
  return {
    description: describe(table, rows.count, options.from),
    kind: 'real',
    count: rows.count,
    hash: hashOf([...table.key, JSON.stringify(chosen ?? {}), inputs.map((i) => `${i.name}:${i.dims}`)]),
    diagnostics: table.noun === 'image' && !chosen ? [presetAssumed(inputs)] : [],
    ids: () => [...rows.indices()].map((index) => table.id(index)),
    samples: (wanted = () => true) => prefetch(filter(rows.indices(), wanted), AHEAD, read),
    close: () => table.close(),
  };
}

function checkWindow({ limit, offset }: SampleOptions): void {
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0))
    throw usageError('SAMPLE_LIMIT', `a limit of ${limit} samples`, {
      hint: 'Give a whole number above zero.',
    });
  if (offset !== undefined && !(Number.isInteger(offset) && offset >= 0))
    throw usageError('SAMPLE_OFFSET', `an offset of ${offset} samples`, { hint: 'Give a whole number.' });
}

function window(total: number, { offset = 0, limit = Number.POSITIVE_INFINITY }: SampleOptions) {
  const count = Math.max(0, Math.min(total - offset, limit));
  return {
    count,
    *indices() {
      for (let i = 0; i < count; i++) yield offset + i;
    },
  };
}

function* filter(indices: Iterable<number>, wanted: (index: number) => boolean): Generator<number> {
  for (const index of indices) if (wanted(index)) yield index;
}

/** Arrays without options are taken as they are; images without options get the usual preparation of their size. */
const slotOf = (input: ValueMeta, chosen: PreprocessOptions | undefined): Slot => ({
  input,
  files: imagePlan(input, chosen ?? { preset: defaultPreset(input) }),
  pixels: imagePlan(input, chosen ?? { resize: 'none' }),
});

/** How pictures of an input's size are usually prepared. */
export function defaultPreset(input: ValueMeta): string {
  if (!input.dtype?.startsWith('float')) return 'raw';
  const sides = input.dims.filter((d) => typeof d === 'string' || d < 0 || d >= IMAGENET_SIDE);
  return input.dims.length === 4 && input.dims.includes(3) && sides.length >= 2 ? 'imagenet-torch' : 'unit';
}

/** What to say where nothing else says it. */
export function presetAssumed(inputs: ValueMeta[]): Diagnostic {
  const presets = [...new Set(inputs.map(defaultPreset))].join(', ');
  return {
    level: 'warning',
    code: 'PREPROCESS_ASSUMED',
    message: `nothing says how the images were prepared in training; "${presets}" is assumed. Say it with --preset, or with --scale, --mean and --std.`,
  };
}

function describe(table: Table, count: number, from: string[]): string {
  const where = from.map((path) => (path === '-' ? 'standard input' : path)).join(', ');
  return `${count} ${table.noun}${count === 1 ? '' : 's'} in ${where}`;
}

const hashOf = (parts: unknown[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part}\n`);
  return hash.digest('hex');
};

function syntheticSource(options: SampleOptions, inputs: ValueMeta[]): SampleSource {
  const rows = window(Number.POSITIVE_INFINITY, { ...options, limit: options.limit ?? DEFAULT_SYNTHETIC });
  const make = async (index: number): Promise<Sample> => ({
    id: `synthetic[${index}]`,
    index,
    feeds: syntheticFeeds(inputs, options, index),
  });
  const shapes = inputs.map((i) => `${i.name}:${i.dtype}:${i.dims}`);
  return {
    description: `${rows.count} synthetic samples (seed ${options.seed ?? 0})`,
    kind: 'synthetic',
    count: rows.count,
    hash: hashOf(['synthetic', options.seed ?? 0, JSON.stringify(options.dims ?? {}), ...shapes]),
    ids: () => [...rows.indices()].map((index) => `synthetic[${index}]`),
    samples: (wanted = () => true) => prefetch(filter(rows.indices(), wanted), 0, make),
  };
}
