import { existsSync } from 'node:fs';
import { type PackedError, packError, QuantizeError } from '../errors.js';
import { calibrateFor, quantize, type Variant } from '../pipeline.js';
import type { Report } from '../report/types.js';
import type { PlainOptions } from './types.js';

/** One piece of work of a process, as data. */
export type Task =
  /** One pass over a model's samples for all its variants; statistics go to `file`. */
  | { kind: 'calibrate'; options: PlainOptions; variants: Variant[]; file: string }
  /** The main job; with `stats` it does not calibrate. */
  | { kind: 'quantize'; options: PlainOptions };

export type TaskEvent = { stage: string; done?: number; total?: number } | { code: string; message: string };

export type TaskOutcome =
  | { kind: 'calibrate'; covered: boolean[] }
  | { kind: 'quantize'; report: Report; files: string[]; gate?: PackedError }
  | { kind: 'failed'; error: PackedError };

/** Does a task; whatever goes wrong becomes an outcome. */
export async function perform(
  task: Task,
  tell: (event: TaskEvent) => void,
  signal: AbortSignal,
): Promise<TaskOutcome> {
  const options = {
    ...task.options,
    signal,
    onProgress: ({ stage, done, total }: { stage: string; done?: number; total?: number }) =>
      tell({ stage, done, total }),
    onDiagnostic: ({ level, code, message }: { level: string; code: string; message: string }) => {
      if (level === 'warning') tell({ code, message });
    },
  };
  try {
    if (task.kind === 'calibrate')
      return { kind: 'calibrate', covered: await calibrate(task.file, options, task.variants) };
    const { report, files, failedGate } = await quantize(options);
    return { kind: 'quantize', report, files, gate: failedGate && packError(failedGate) };
  } catch (error) {
    return { kind: 'failed', error: packError(error) };
  }
}

/** Statistics that a killed run left half done are gone on from; a file that cannot be is made anew. */
async function calibrate(file: string, options: PlainOptions, variants: Variant[]): Promise<boolean[]> {
  const again = { ...options, output: file };
  if (!existsSync(file)) return calibrateFor(again, variants);
  try {
    return await calibrateFor({ ...again, stats: file }, variants);
  } catch (cause) {
    if (cause instanceof QuantizeError && cause.kind === 'invalid' && cause.code.startsWith('STATS_'))
      return calibrateFor(again, variants);
    throw cause;
  }
}
