import { mergeStats, readStats, calibrate as runCalibration, writeStats } from '../calibrate/index.js';
import type { Stats } from '../calibrate/types.js';
import { usageError } from '../errors.js';
import { candidates } from '../plan/index.js';
import type { JobOptions } from './options.js';
import { calibrationSource } from './samples.js';
import { calibrationOptions, openJob, planInput, typesFor } from './stages.js';

/** Autosave of long calibrations, in milliseconds. */
const CHECKPOINT_MS = 30_000;

/**
 * One pass over the samples; statistics go to `output`. With `shard` only a part of them; with `stats` it goes on from
 * a statistics file of the same model and settings, so that an interrupted run loses little.
 */
export async function calibrate(options: JobOptions): Promise<{ stats: Stats; file: string }> {
  const { output: file } = options;
  if (!file)
    throw usageError('NO_OUTPUT', 'calibrate needs a file for the statistics', {
      hint: 'add -o <file>.stats.json',
    });
  const job = await openJob(options);
  const source = await calibrationSource(job);
  const input = planInput(job, await typesFor(job.prepared, source));
  const stats = await runCalibration(job.prepared, candidates(input), source, {
    ...calibrationOptions(job, input),
    mode: 'histogram',
    resume: options.stats ? readStats(options.stats, job.loaded.sha256) : undefined,
    checkpoint: { file, everyMs: CHECKPOINT_MS },
  });
  await writeStats(stats, file);
  return { stats, file };
}

/** Joins the statistics of shards: bit for bit what one run over all their samples gives. */
export async function merge(files: string[], output: string): Promise<{ stats: Stats; file: string }> {
  if (files.length === 0) throw usageError('NO_INPUT', 'merge needs at least one statistics file');
  const stats = mergeStats(files.map((file) => readStats(file)));
  await writeStats(stats, output);
  return { stats, file: output };
}
