import { existsSync } from 'node:fs';
import {
  defaultPreset,
  findEvaluationBeside,
  findPreprocessBeside,
  findSamplesBeside,
  openSamples,
  presetAssumed,
  readLabels,
  readPreprocess,
  type SampleOptions,
  withPreset,
} from '../data/index.js';
import type { PreprocessOptions, SampleSource } from '../data/types.js';
import { type Diagnostic, usageError } from '../errors.js';
import { DTYPES, type Dtype } from '../ir/dtypes.js';
import type { Model } from '../ir/model.js';
import { graphInputs } from '../prepare/index.js';
import type { JobOptions } from './options.js';
import { type Job, note } from './stages.js';

/** The samples to calibrate on: as given, else found beside the model, else synthetic (said loudly). */
export async function calibrationSource(job: Job): Promise<SampleSource> {
  const source = await samplesOf(
    job.options,
    job.prepared,
    job.options.calibration ?? besideModel(job.options.model),
  );
  for (const d of source.diagnostics ?? []) note(job, d);
  if (source.kind === 'synthetic')
    note(job, {
      level: 'warning',
      code: 'SYNTHETIC_CALIBRATION',
      message: `no samples were given and none lie beside the model: ${job.scheme.activations === 'none' ? 'the comparison runs on' : 'ranges come from'} made-up inputs, which prove nothing about accuracy. Give real ones with --calibration`,
    });
  return source;
}

export const besideModel = (model: string): string[] | undefined => {
  const found = findSamplesBeside(model);
  return found === undefined ? undefined : [found];
};

/** The samples to verify on, and their labels: as given, else found beside the model. */
export function evaluationSet(options: JobOptions): { samples?: string[]; labels?: string } {
  if (options.evaluation) return { samples: options.evaluation, labels: options.labels };
  if (options.labels)
    throw usageError('LABELS_WITHOUT_SAMPLES', '--labels needs the samples that they label', {
      hint: 'add --evaluation',
    });
  const beside = findEvaluationBeside(options.model);
  return beside ? { samples: [beside.samples], labels: beside.labels } : {};
}

/** Files and folders that a job reads besides its model: what its result depends on. */
export function dataFiles(options: JobOptions): string[] {
  const { samples = [], labels } = evaluationSet(options);
  const calibration = options.calibration ?? besideModel(options.model) ?? [];
  const own = options.target.endsWith('.json') ? options.target : undefined;
  const files = [...calibration, ...samples, labels, findPreprocessBeside(options.model), own];
  return files.filter((file) => file !== undefined).map(withoutInput);
}

/** "image=photos/" binds a path to one input. */
const withoutInput = (path: string): string => (existsSync(path) ? path : path.replace(/^[^=]*=/, ''));

/** Opens samples for a model's inputs; the preprocessing file beside the model counts unless options say otherwise. */
export function samplesOf(
  options: JobOptions,
  model: Model,
  from: string[] | undefined,
): Promise<SampleSource> {
  const settings: SampleOptions = {
    from,
    dtype: dtypeOf(options.dtype),
    shape: shapeOf(options.shape),
    preprocess: preprocessing(options),
    limit: options.limit,
    seed: options.seed,
    dims: options.dims,
  };
  return openSamples(settings, graphInputs(model));
}

function preprocessing(options: JobOptions): PreprocessOptions {
  const beside = findPreprocessBeside(options.model);
  const fields = { ...(options.preset && { preset: options.preset }), ...options.preprocess };
  const fromFile = beside && !options.preset ? readPreprocess(beside) : {};
  return { ...fromFile, ...fields };
}

/** y = factor · x + offset, one pair a channel or one for all, x in 0…255. */
export interface PixelMap {
  color: 'rgb' | 'bgr';
  factor: number[];
  offset: number[];
}

/** The preprocessing of pixels, as said, else as is assumed of samples: then with the warning that it is. */
export function pixelMap(options: JobOptions, model: Model): { image: PixelMap; assumed?: Diagnostic } {
  const said = preprocessing(options);
  if (Object.keys(said).length > 0) return { image: mapOf(said) };
  const pictures = graphInputs(model).filter((i) => i.dims.length === 4);
  if (pictures.length === 0) return { image: mapOf({}) };
  return {
    image: mapOf({ preset: defaultPreset(pictures[0]) }),
    assumed: presetAssumed(pictures.slice(0, 1)),
  };
}

function mapOf(preprocess: PreprocessOptions): PixelMap {
  const { color = 'rgb', scale = 1, mean = 0, std = 1 } = withPreset(preprocess);
  const [means, stds] = [[mean].flat(), [std].flat()];
  const count = Math.max(means.length, stds.length);
  const at = (values: number[], i: number) => values[i % values.length];
  const each = (f: (i: number) => number) => Array.from({ length: count }, (_, i) => f(i));
  return {
    color,
    factor: each((i) => scale / at(stds, i)),
    offset: each((i) => -at(means, i) / at(stds, i)),
  };
}

/** Class of each sample, by its index in the set. */
export async function labelsFor(
  file: string | undefined,
  source: SampleSource,
): Promise<number[] | undefined> {
  if (file === undefined) return undefined;
  const ids = source.ids?.();
  if (!ids)
    throw usageError('LABELS_FOR_STREAM', 'samples from a stream cannot be labelled', {
      hint: 'save them to a file first',
    });
  return readLabels(file, ids);
}

function dtypeOf(name: string | undefined): Dtype | undefined {
  if (name === undefined || DTYPES.some((row) => row.name === name)) return name as Dtype | undefined;
  throw usageError('UNKNOWN_DTYPE', `unknown element type "${name}"`, {
    hint: `known: ${DTYPES.map((r) => r.name).join(', ')}`,
  });
}

function shapeOf(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const dims = text.split(/[x×,]/).map(Number);
  if (dims.every((d) => Number.isSafeInteger(d) && d > 0)) return dims;
  throw usageError('BAD_SHAPE', `"${text}" is not a shape`, { hint: 'write it as 3x224x224' });
}
