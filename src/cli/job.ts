import { usageError } from '../errors.js';
import type { JobOptions } from './engine.js';
import { modelFromStdin } from './files/streams.js';
import type { Options } from './options/index.js';
import { trainingOf } from './options/training.js';
import { createProgress, type Progress } from './progress.js';
import type { Shell } from './shell.js';

/** Everything a command on a model needs: the job as the pipeline takes it, and the voice on stderr. */
export interface Session {
  job: JobOptions;
  progress: Progress;
}

/**
 * Runs `work` on `model`; a model from stdin lives in a private folder for that long. The progress bar is cleared
 * whatever happens.
 */
export async function withJob<T>(
  model: string,
  options: Options,
  shell: Shell,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  if (model === '-' && options.calibration?.includes('-'))
    throw usageError('STDIN_TWICE', 'the model and the samples cannot both come from stdin');
  const progress = createProgress(shell, options);
  const received = model === '-' ? await modelFromStdin(shell) : undefined;
  try {
    return await work({ job: jobOptions(received?.file ?? model, options, shell, progress), progress });
  } finally {
    progress.end();
    received?.remove();
  }
}

const jobOptions = (model: string, options: Options, shell: Shell, progress: Progress): JobOptions => ({
  ...plainOptions(model, options),
  onProgress: progress.update,
  onDiagnostic: progress.diagnose,
  signal: shell.signal,
});

/** Options of the command line as the pipeline takes them, as data. */
export function plainOptions(model: string, options: Options): JobOptions {
  const { resize, crop, size, color, scale, mean, std, layout, dim, trainIfNeeded, ...rest } = options;
  const { trainData, trainLabels } = options;
  const preprocess = {
    resize,
    cropFraction: crop,
    size,
    color,
    scale,
    mean: one(mean),
    std: one(std),
    layout,
  };
  return {
    ...rest,
    model,
    training:
      trainIfNeeded || (options.auto && trainData)
        ? trainingOf({ ...options, batch: undefined }, trainData, trainLabels)
        : undefined,
    dims: dim,
    preprocess: definedOnly(preprocess),
  };
}

/** "127.5" holds for every channel. */
const one = (values?: number[]): number | number[] | undefined => (values?.length === 1 ? values[0] : values);

/** Without the fields that are undefined, so that they do not override a preset. */
const definedOnly = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
