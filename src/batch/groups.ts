import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Variant } from '../pipeline.js';
import type { BatchJob, Budget, PlainOptions } from './types.js';

/** Jobs that differ in nothing that calibration sees but chip and scheme: passes over the samples may serve several. */
export interface Group {
  options: PlainOptions;
  /** Chip and scheme of each job. */
  variants: Variant[];
  jobs: BatchJob[];
}

/** Options that calibration does not see. */
const UNSEEN = [
  'target',
  'scheme',
  'output',
  'evaluation',
  'labels',
  'maxAccuracyDrop',
  'minSqnr',
  'keep',
] as const;

/** Options that matter to statistics. */
export function calibrationPart(options: PlainOptions): PlainOptions {
  const part: Partial<PlainOptions> = { ...options };
  for (const name of UNSEEN) delete part[name];
  const { target, scheme } = options;
  return { ...part, target, scheme } as PlainOptions;
}

export function groupJobs(jobs: readonly BatchJob[]): Group[] {
  const groups = new Map<string, Group>();
  for (const job of jobs) {
    const options = calibrationPart(job.options);
    const { target: _t, scheme: _s, ...same } = options;
    const key = JSON.stringify(same);
    const group = groups.get(key) ?? { options, variants: [], jobs: [] };
    group.jobs.push(job);
    group.variants.push({ target: job.options.target, scheme: job.options.scheme });
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** How many processes share a budget's cores on this machine, and the cores that each has. */
export function shares({ threads }: Budget, jobs: number): { processes: number; threads: number } {
  const processes = Math.max(1, Math.min(threads, availableParallelism(), jobs));
  return { processes, threads: Math.max(1, Math.floor(threads / processes)) };
}

/** A process by itself, and copies of the weights that are alive at a time: read, prepared, emitted, in two sessions. */
const [PROCESS_BYTES, WEIGHT_COPIES] = [250 * 2 ** 20, 8];

/** Bytes that a process takes for a job, as far as the size of the model's file tells. */
export const estimatedBytes = ({ options: { model } }: { options: { model: string } }): number =>
  PROCESS_BYTES + WEIGHT_COPIES * (statSync(model, { throwIfNoEntry: false })?.size ?? 0);
