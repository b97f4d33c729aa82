import type { SampleSource } from '../../src/data/types.js';
import {
  type MlPackage,
  type Settings as MlSettings,
  makeMlPackage,
} from '../../src/emit/mlpackage/index.js';
import { makeSavedModel, type SavedModel, type Settings } from '../../src/emit/savedmodel/index.js';
import type { Model } from '../../src/ir/model.js';
import { loadModel } from '../../src/onnx/index.js';
import { prepare, specialize } from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds } from '../../src/runtime/types.js';
import { emitted } from '../emit/emitted.js';
import { first } from './samples.js';
import { modelFile, type ZooModel } from './zoo.js';

export interface Exported<Pack = MlPackage> {
  /** What the package is made from, with its shapes fixed. */
  model: Model;
  pack: Pack;
  feeds: Feeds;
}

/** A model of the zoo as a Core ML package: quantized by `scheme` on two samples, or as it is. */
export async function exported(
  zoo: ZooModel,
  scheme: string | undefined,
  settings: Partial<MlSettings> = {},
): Promise<Exported> {
  const { model, types, feeds } = await fixed(zoo, 'ane', scheme);
  return { model, feeds, pack: makeMlPackage(model, types, { ios: 18, io: 'fp16', ...settings }) };
}

/** The same as a SavedModel. */
export async function saved(
  zoo: ZooModel,
  scheme: string | undefined,
  settings: Settings = {},
): Promise<Exported<SavedModel>> {
  const { model, types, feeds } = await fixed(zoo, 'tpu', scheme);
  return { model, feeds, pack: makeSavedModel(model, types, settings) };
}

/** A model quantized for a chip, with the shapes of its first sample. */
async function fixed(zoo: ZooModel, target: string, scheme: string | undefined) {
  const samples = await take(zoo, 2);
  const { model } = await prepare(loadModel(modelFile(zoo)).model, { opset: 21 });
  const made = scheme
    ? (await emitted(model, sourceOf(samples), { target, scheme, correct: false })).model
    : model;
  const dims = Object.fromEntries(Object.entries(samples[0]).map(([name, v]) => [name, v.dims]));
  return { ...(await specialize(made, dims)), feeds: samples[0] };
}

/**
 * Least SQNR of any output in dB, infinite where all are equal bit for bit: the package read back against the Q/DQ model it was
 * made from, both with sums of floats, as Q/DQ says.
 */
export async function agreement({ model, pack, feeds }: Exported<{ readBack(): Model }>): Promise<number> {
  const kept = { keepQdq: true };
  const [a, b] = [await openModel(model, kept), await openModel(pack.readBack(), kept)];
  const [x, y] = [await a.run(feeds), await b.run(feeds)];
  await Promise.all([a.release(), b.release()]);
  const decibels = Object.keys(x).map((name) => {
    let [signal, noise] = [0, 0];
    x[name].data.forEach((value, i) => {
      signal += Number(value) ** 2;
      noise += (Number(value) - Number(y[name].data[i])) ** 2;
    });
    return 10 * Math.log10(signal / noise);
  });
  return Math.min(...decibels);
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
