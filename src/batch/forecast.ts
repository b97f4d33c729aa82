import { existsSync } from 'node:fs';
import { QuantizeError } from '../errors.js';
import { forecast } from '../pipeline.js';
import { Inputs } from './inputs.js';
import { Store } from './store.js';
import type { BatchJob, JobForecast, JobResult } from './types.js';

export interface ForecastOptions {
  cache: string;
  version: string;
  /** Cores that a job has. */
  threads: number;
  onProgress?(done: number, total: number): void;
}

/** What each job of a batch would take: nothing where its result is there, what it took before, or what a model says. */
export async function forecastJobs(
  jobs: readonly BatchJob[],
  options: ForecastOptions,
): Promise<JobForecast[]> {
  const inputs = new Inputs(options.version);
  const store = existsSync(options.cache) ? new Store(options.cache) : undefined;
  const earlier = store?.latest() ?? new Map<string, JobResult>();
  const rows: JobForecast[] = [];
  for (const job of jobs) {
    const key = await inputs.key(job.options).catch(() => undefined);
    const there = key && (await store?.find(key, job));
    const before = earlier.get(job.id);
    if (there) rows.push({ seconds: 0, basis: 'unchanged', bytes: sizeOf(there) });
    else if (before) rows.push({ seconds: before.seconds, basis: 'measured', bytes: sizeOf(before) });
    else rows.push(await modelled(job, options.threads));
    options.onProgress?.(rows.length, jobs.length);
  }
  return rows;
}

const sizeOf = ({ report }: JobResult): number | undefined => report?.size.quantizedBytes;

/** A job that cannot even be looked at says why; the batch would report the same. */
async function modelled({ options }: BatchJob, threads: number): Promise<JobForecast> {
  try {
    return { ...(await forecast({ ...options, threads })), basis: 'modelled' };
  } catch (cause) {
    if (cause instanceof QuantizeError) return { basis: 'refused', why: `${cause.code}: ${cause.message}` };
    throw cause;
  }
}
