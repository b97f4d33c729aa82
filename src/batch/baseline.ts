import type { BatchResult, JobResult, Regression } from './types.js';

/** How much worse than the baseline a job may be: points of accuracy lost, percent of size and of latency. */
export interface Limits {
  drop?: number;
  size?: number;
  latency?: number;
}

interface Measure {
  unit: string;
  of(result: JobResult): number | undefined;
  /** How much worse `after` is, in the unit of the limit. */
  worse(before: number, after: number): number;
}

const percent = (before: number, after: number): number => (100 * (after - before)) / before;

const MEASURES: Record<keyof Limits, Measure> = {
  drop: {
    unit: 'points',
    of: ({ report }) => report?.metrics?.top1?.drop,
    worse: (before, after) => after - before,
  },
  size: { unit: 'bytes', of: ({ report }) => report?.size.quantizedBytes, worse: percent },
  latency: { unit: 'ms', of: ({ report }) => report?.quantized.latencyMs.value, worse: percent },
};

/** Jobs of `now` that are worse than the same jobs of `before` by more than `limits`; what either lacks is not compared. */
export function regressions(before: BatchResult, now: BatchResult, limits: Limits): Regression[] {
  const earlier = new Map(before.jobs.map((job) => [job.id, job]));
  return now.jobs.flatMap((job) => {
    const old = earlier.get(job.id);
    return old
      ? (Object.keys(limits) as (keyof Limits)[]).flatMap((what) => compared(old, job, what, limits))
      : [];
  });
}

function compared(old: JobResult, job: JobResult, what: keyof Limits, limits: Limits): Regression[] {
  const { of, worse, unit } = MEASURES[what];
  const [before, after, allowed] = [of(old), of(job), limits[what]];
  if (before === undefined || after === undefined || allowed === undefined) return [];
  return worse(before, after) > allowed ? [{ job: job.id, what, before, after, unit, allowed }] : [];
}
