import { type PackedError, packError, QuantizeError } from '../errors.js';
import { calibrateFor, merge, passFile, quantize, resolveTarget, type Variant } from '../pipeline.js';
import type { Report } from '../report/types.js';
import type { PlainOptions } from './types.js';

export { passFile };

/** One piece of work of a process, as data. */
export type Task =
  /**
   * Passes over a model's samples for its variants, each into its `passFile` of `file`. `from`: what a killed run left,
   * if anything, to go on from.
   */
  | { kind: 'calibrate'; options: PlainOptions; variants: Variant[]; file: string; from?: string }
  /** Joins statistics of shards, pass by pass. */
  | { kind: 'merge'; options: Pick<PlainOptions, 'model'>; parts: string[]; passes: number; file: string }
  /** The main job; with `sharedStats` it does not calibrate. */
  | { kind: 'quantize'; options: PlainOptions };

export type TaskEvent = { stage: string; done?: number; total?: number } | { code: string; message: string };

export type TaskOutcome =
  /** The pass that serves each variant, if one does. */
  | { kind: 'calibrate'; served: (number | null)[] }
  | { kind: 'merge' }
  | { kind: 'quantize'; report: Report; files: string[]; gate?: PackedError }
  | { kind: 'failed'; error: PackedError };

/** The statistics file of a job, by the pass that serves it. */
export const servedBy = (file: string, pass: number | null | undefined): string | undefined =>
  pass === null || pass === undefined ? undefined : passFile(file, pass);

/** Whether jobs for a target time the machine; a target that cannot be resolved is for the job to report. */
export function isMeasured(target: string): boolean {
  try {
    return resolveTarget(target).timing === 'measured';
  } catch {
    return false;
  }
}

/** Does a task; whatever goes wrong becomes an outcome. */
export async function perform(
  task: Task,
  tell: (event: TaskEvent) => void,
  signal: AbortSignal,
): Promise<TaskOutcome> {
  const listening = {
    signal,
    onProgress: ({ stage, done, total }: { stage: string; done?: number; total?: number }) =>
      tell({ stage, done, total }),
    onDiagnostic: ({ level, code, message }: { level: string; code: string; message: string }) => {
      if (level === 'warning') tell({ code, message });
    },
  };
  try {
    if (task.kind === 'merge') {
      tell({ stage: 'merge' });
      for (let p = 0; p < task.passes; p++)
        await merge(
          task.parts.map((part) => passFile(part, p)),
          passFile(task.file, p),
        );
      return { kind: 'merge' };
    }
    const options = { ...task.options, ...listening };
    if (task.kind === 'calibrate') return { kind: 'calibrate', served: await calibrate(task, options) };
    return await make(options);
  } catch (error) {
    return { kind: 'failed', error: packError(error) };
  }
}

/** Statistics that a killed run left half done are gone on from; a file that cannot be is made anew. */
async function calibrate(
  { file, from = file, variants }: Task & { kind: 'calibrate' },
  options: PlainOptions,
): Promise<(number | null)[]> {
  const again = { ...options, output: file };
  return unlessDamaged(
    () => calibrateFor({ ...again, stats: from }, variants),
    () => calibrateFor(again, variants),
  );
}

async function make(options: PlainOptions): Promise<TaskOutcome> {
  const { report, files, failedGate } = await unlessDamaged(
    () => quantize(options),
    () => quantize({ ...options, sharedStats: undefined }),
  );
  return { kind: 'quantize', report, files, gate: failedGate && packError(failedGate) };
}

/** What comes of statistics on disk, or, where they are damaged, gone, or lack a value that a job needs, of none. */
async function unlessDamaged<T>(withStatistics: () => Promise<T>, without: () => Promise<T>): Promise<T> {
  try {
    return await withStatistics();
  } catch (cause) {
    if (cause instanceof QuantizeError && /^(STATS_|NO_STATISTICS)/.test(cause.code)) return without();
    throw cause;
  }
}
