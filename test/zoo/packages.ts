import type { SampleSource } from '../../src/data/types.js';
import { type MlPackage, makeMlPackage } from '../../src/emit/mlpackage/index.js';
import type { Model } from '../../src/ir/model.js';
import { loadModel } from '../../src/onnx/index.js';
import { prepare, specialize } from '../../src/prepare/index.js';
import type { Feeds } from '../../src/runtime/types.js';
import { emitted } from '../emit/emitted.js';
import { first } from './samples.js';
import { modelFile, type ZooModel } from './zoo.js';

export interface Exported {
  /** What the package is made from, with its shapes fixed. */
  model: Model;
  pack: MlPackage;
  feeds: Feeds;
}

/** A model of the zoo as a package: quantized by `scheme` on two samples, or as it is. */
export async function exported(zoo: ZooModel, scheme: string | undefined): Promise<Exported> {
  const samples = await take(zoo, 2);
  const { model } = await prepare(loadModel(modelFile(zoo)).model, { opset: 21 });
  const made = scheme
    ? (await emitted(model, sourceOf(samples), { target: 'ane', scheme, correct: false })).model
    : model;
  const dims = Object.fromEntries(Object.entries(samples[0]).map(([name, v]) => [name, v.dims]));
  const special = await specialize(made, dims);
  const pack = makeMlPackage(special.model, special.types, { ios: 18, io: 'fp16' });
  return { model: special.model, pack, feeds: samples[0] };
}

async function take(zoo: ZooModel, count: number): Promise<Feeds[]> {
  const taken: Feeds[] = [];
  for await (const feeds of first(zoo.samples('calibration'), count).feeds()) taken.push(feeds);
  return taken;
}

const sourceOf = (samples: Feeds[]): SampleSource => ({
  description: 'of the zoo',
  kind: 'real',
  count: samples.length,
  hash: 'zoo',
  async *samples() {
    for (const [index, feeds] of samples.entries()) yield { id: `${index}`, index, feeds };
  },
});
