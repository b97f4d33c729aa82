import { existsSync } from 'node:fs';
import { mergeStats, readStats, calibrate as runCalibration, writeStats } from '../calibrate/index.js';
import type { Stats } from '../calibrate/types.js';
import type { SampleSource } from '../data/types.js';
import { usageError } from '../errors.js';
import { candidates, type PlanInput } from '../plan/index.js';
import type { ValueMeta } from '../runtime/types.js';
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

/** Where the statistics of a numbered pass are. */
export const passFile = (file: string, pass: number): string => `${file}.${pass}`;

/** A pass that serves several variants: they are prepared alike and observe the same tensors. */
interface SharedPass {
  job: Job;
  input: PlanInput;
  tensors: string[];
  variants: number[];
}

/**
 * Passes over the samples for several variants of a job, with statistics of the kind that `method` needs. Where other
 * values leave the graph onnxruntime fuses other operators, and what it computes differs in its last bits; so a pass
 * serves the variants that would observe exactly what it does, and each gets bit for bit what it would find alone.
 * Statistics of pass p go to `passFile(output, p)`; with `stats`, a pass goes on from `passFile(stats, p)` if that is there.
 * @returns for each variant its pass, or null: one that needs no statistics has none, nor has, without `shard`, one that
 * a pass would serve alone
 */
export async function calibrateFor(
  options: JobOptions,
  variants: readonly Variant[],
): Promise<(number | null)[]> {
  requireOutput(options);
  const jobs: Job[] = [];
  for (const variant of variants) jobs.push(await openJob({ ...options, ...variant }));
  const source = await calibrationSource(jobs[0]);
  const least = options.shard && options.shard[1] > 1 ? 1 : 2;
  const passes = (await sharedPasses(jobs, source)).filter((shared) => shared.variants.length >= least);
  for (const [p, { job, input, tensors }] of passes.entries()) {
    const from = options.stats && passFile(options.stats, p);
    const stats = from && existsSync(from) ? from : undefined;
    const own = { ...job, options: { ...job.options, output: passFile(options.output!, p), stats } };
    await pass(own, input, tensors, source);
  }
  const serving = variants.map((_, v) => passes.findIndex((shared) => shared.variants.includes(v)));
  return serving.map((p) => (p < 0 ? null : p));
}

async function sharedPasses(jobs: readonly Job[], source: SampleSource): Promise<SharedPass[]> {
  const types = new Map<string, Promise<Map<string, ValueMeta>>>();
  const passes = new Map<string, SharedPass>();
  for (const [v, job] of jobs.entries()) {
    const { graph, opsetImports } = job.prepared;
    const nodes = graph.nodes.map(({ opType, inputs, outputs }) => [opType, inputs, outputs]);
    const prepared = JSON.stringify({ opsetImports, nodes });
    if (!types.has(prepared)) types.set(prepared, typesFor(job.prepared, source));
    const input = planInput(job, await types.get(prepared)!);
    const tensors = candidates(input);
    if (tensors.length === 0) continue;
    const key = JSON.stringify([prepared, tensors]);
    const shared = passes.get(key) ?? { job, input, tensors, variants: [] };
    shared.variants.push(v);
    passes.set(key, shared);
  }
  return [...passes.values()];
}

/** Joins the statistics of shards: bit for bit what one run over all their samples gives. */
export async function merge(files: string[], output: string): Promise<{ stats: Stats; file: string }> {
  if (files.length === 0) throw usageError('NO_INPUT', 'merge needs at least one statistics file');
  const stats = mergeStats(files.map((file) => readStats(file)));
  await writeStats(stats, output);
  return { stats, file: output };
}
