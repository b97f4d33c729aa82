import { join } from 'node:path';
import type { Model } from '../../src/ir/model.js';
import { elementCount } from '../../src/ir/tensor.js';
import { loadModel, saveModel } from '../../src/onnx/index.js';
import { type JobOptions, quantize, type Result } from '../../src/pipeline.js';
import type { Feeds, TensorValue } from '../../src/runtime/types.js';
import { npy, put } from '../data/files.js';
import { run, seeded } from '../prepare/helpers.js';

export interface Files {
  root: string;
  model: string;
  samples: string;
  output: string;
}

/** A sample set for one float32 input: `count` rows of `dims`, uniform in [-1, 1) unless `edit` says otherwise. */
export function rows(
  count: number,
  dims: number[],
  edit: (data: Float32Array) => void = () => {},
): Uint8Array {
  const next = seeded(11);
  const size = elementCount(dims);
  const data = Float32Array.from({ length: count * size }, next);
  edit(data);
  return npy([count, ...dims], data);
}

let jobs = 0;

/** Writes a model and its samples as a user has them: files in a folder of their own. */
export async function files(root: string, model: Model, samples: Uint8Array): Promise<Files> {
  const own = join(root, `job${jobs++}`);
  const paths = {
    root: own,
    model: join(own, 'net.onnx'),
    samples: put(own, 'samples.npy', samples),
    output: join(own, 'out.onnx'),
  };
  await saveModel(model, paths.model);
  return paths;
}

export const options = ({ model, samples, output }: Files, more: Partial<JobOptions> = {}): JobOptions => ({
  model,
  target: 'cpu',
  scheme: 'int8-perchannel',
  method: 'minmax',
  calibration: [samples],
  output,
  threads: 1,
  ...more,
});

export interface Done extends Result {
  paths: Files;
  quantized: Model;
}

/** The main job as the command line does it, and the model that it wrote. */
export async function job(
  root: string,
  model: Model,
  samples: Uint8Array,
  more: Partial<JobOptions> = {},
): Promise<Done> {
  const paths = await files(root, model, samples);
  const result = await quantize(options(paths, more));
  return { ...result, paths, quantized: loadModel(paths.output).model };
}

export const image = (dims: number[], edit?: (data: Float32Array) => void): Feeds => {
  const next = seeded(23);
  const data = Float32Array.from({ length: elementCount(dims) }, next);
  edit?.(data);
  return { x: { dtype: 'float32', dims, data } };
};

/** Signal over error in dB of the outputs of two models on the same feeds. */
export async function sqnr(a: Model, b: Model, feeds: Feeds): Promise<number> {
  const [x, y] = [await run(a, feeds), await run(b, feeds)];
  let [signal, noise] = [0, 0];
  for (const name of Object.keys(x)) {
    const [p, q] = [numbers(x[name]), numbers(y[name])];
    for (let i = 0; i < p.length; i++) {
      signal += p[i] ** 2;
      noise += (p[i] - q[i]) ** 2;
    }
  }
  return 10 * Math.log10(signal / noise);
}

export const numbers = (value: TensorValue): number[] => Array.from(value.data as Float32Array, Number);
