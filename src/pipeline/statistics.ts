import { mergeStats, readStats, calibrate as runCalibration, writeStats } from '../calibrate/index.js';
import type { Stats } from '../calibrate/types.js';
import type { SampleSource } from '../data/types.js';
import { usageError } from '../errors.js';
import { valueNames } from '../ir/graph.js';
import { candidates, type PlanInput } from '../plan/index.js';
import type { JobOptions } from './options.js';
import { calibrationSource } from './samples.js';
import { calibrationOptions, type Job, openJob, planInput, typesFor } from './stages.js';

/** Autosave of long calibrations, in milliseconds. */
const CHECKPOINT_MS = 30_000;

/**
 * One pass over the samples; statistics go to `output`. With `shard` only a part of them; with `stats` it goes on from
 * a statistics file of the same model and settings, so that an interrupted run loses little.
 */
export async function calibrate(options: JobOptions): Promise<{ stats: Stats; file: string }> {
  requireOutput(options);
  const job = await openJob(options);
  const source = await calibrationSource(job);
  const input = planInput(job, await typesFor(job.prepared, source));
  return pass(job, input, candidates(input), source, 'histogram');
}

function requireOutput({ output }: JobOptions): void {
  if (!output)
    throw usageError('NO_OUTPUT', 'calibrate needs a file for the statistics', {
      hint: 'add -o <file>.stats.json',
    });
}

async function pass(
  job: Job,
  input: PlanInput,
  tensors: string[],
  source: SampleSource,
  mode?: 'histogram',
): Promise<{ stats: Stats; file: string }> {
  const { output, stats: earlier } = job.options;
  const file = output!;
  const stats = await runCalibration(job.prepared, tensors, source, {
    ...calibrationOptions(job, input),
    ...(mode && { mode }),
    resume: earlier ? readStats(earlier, job.loaded.sha256) : undefined,
    checkpoint: { file, everyMs: CHECKPOINT_MS },
  });
  await writeStats(stats, file);
  return { stats, file };
}

/** A chip and a scheme for it. */
export interface Variant {
  target: string;
  scheme: string;
}

/**
 * One pass over the samples for several variants of a job; statistics of the kind that `method` needs go to `output`.
 * @returns for each variant whether the statistics are all that it needs: a scheme that wants another opset may name
 * some values differently, and a weight-only one needs none
 */
export async function calibrateFor(options: JobOptions, variants: readonly Variant[]): Promise<boolean[]> {
  requireOutput(options);
  const jobs: Job[] = [];
  for (const variant of variants) jobs.push(await openJob({ ...options, ...variant }));
  const [first] = jobs;
  const source = await calibrationSource(first);
  const types = await typesFor(first.prepared, source);
  const wanted = jobs.map((job) => candidates(planInput(job, types)));
  const values = new Set(valueNames(first.prepared.graph));
  const tensors = [...new Set(wanted.flat())].filter((name) => values.has(name)).sort();
  if (tensors.length > 0) await pass(first, planInput(first, types), tensors, source);
  return wanted.map((names) => names.length > 0 && names.every((name) => values.has(name)));
}

/** Joins the statistics of shards: bit for bit what one run over all their samples gives. */
export async function merge(files: string[], output: string): Promise<{ stats: Stats; file: string }> {
  if (files.length === 0) throw usageError('NO_INPUT', 'merge needs at least one statistics file');
  const stats = mergeStats(files.map((file) => readStats(file)));
  await writeStats(stats, output);
  return { stats, file: output };
}
