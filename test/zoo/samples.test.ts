import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openSession } from '../../src/runtime/session.js';
import type { Feeds } from '../../src/runtime/types.js';
import { magikaFeatures, ZOO, type ZooSamples } from './samples.js';
import { MODELS, modelFile } from './zoo.js';

const WHY = ZOO ? '' : ' (QUANTIZE_ZOO is not set)';

async function firstOf(samples: ZooSamples): Promise<Feeds> {
  for await (const feeds of samples.feeds()) return feeds;
  throw new Error('no samples');
}

async function accuracy(file: string, samples: ZooSamples): Promise<number> {
  const session = await openSession(file, { threads: 2 });
  let [right, i] = [0, 0];
  for await (const feeds of samples.feeds()) {
    const out = (await session.run(feeds))[session.outputs[0].name].data as Float32Array;
    if (out.indexOf(out.reduce((a, b) => Math.max(a, b))) === samples.labels?.[i++]) right++;
  }
  await session.release();
  return (100 * right) / i;
}

describe.skipIf(!ZOO)(`every shared model runs on its samples${WHY}`, () => {
  it.each(MODELS)('$id', async (model) => {
    const session = await openSession(modelFile(model));
    const feeds = await firstOf(model.samples('calibration'));
    const out = await session.run(feeds);
    for (const { data } of Object.values(out))
      expect(Array.from<unknown>(data as ArrayLike<unknown>).every((v) => Number.isFinite(Number(v)))).toBe(
        true,
      );
    await session.release();
  });
});

/** Measured elsewhere on more samples (models/INDEX.md): our subsets differ by sampling, three standard errors allow it. */
const PUBLISHED: [id: string, percent: number][] = [
  ['vision/cifar10_imageclassifier_wml', 64.06],
  ['vision/cifar10_marabou_large', 72.65],
  ['vision/cifar10_resnet8_mlperftiny', 75.48],
  ['vision/cifar10_resnet_2b', 67.4],
  ['vision/cifar10_resnet_4b', 76.54],
  ['vision/cifar10_vit_pgd_2_3_16', 59.6],
  ['vision/mnist-8', 98.93],
  ['vision/mnist_fc_256x2', 98.08],
  ['vision/mnist_softmax_vespa', 91.75],
  ['vision/mobilenetv2-7', 83.6],
  ['vision/squeezenet1.1', 61.3],
  ['audio/speech_recog_wml', 89.5],
];

describe.skipIf(!ZOO)(`our preprocessing gives the accuracy that is known${WHY}`, () => {
  it.each(PUBLISHED)('%s', async (id, percent) => {
    const model = MODELS.find((m) => m.id === id)!;
    const samples = model.samples('evaluation');
    const p = percent / 100;
    const slack = 300 * Math.sqrt((p * (1 - p)) / samples.count);
    expect(Math.abs((await accuracy(modelFile(model), samples)) - percent)).toBeLessThan(slack);
  });

  it('magika: at least nine in ten files', async () => {
    const model = MODELS.find((m) => m.id === 'nlp/magika_standard_v3_3')!;
    expect(await accuracy(modelFile(model), model.samples('evaluation'))).toBeGreaterThan(90);
  });
});

interface Recorded {
  args: { beg_size: number; end_size: number; block_size: number };
  content_base64: string;
  features: { beg: number[]; end: number[] };
}

describe.skipIf(!ZOO)(`magika's features${WHY}`, () => {
  it('equal the recorded ones', () => {
    const file = join(ZOO, 'data/magika/tests_data/reference/features_extraction_examples.json.gz');
    const all = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Recorded[];
    const few = all.filter((_, i) => i % 20 === 0);
    expect(few.length).toBeGreaterThan(400);
    for (const { args, content_base64, features } of few) {
      const sizes = { begin: args.beg_size, end: args.end_size, block: args.block_size };
      const ours = magikaFeatures(Buffer.from(content_base64, 'base64'), sizes);
      expect(Array.from(ours)).toEqual([...features.beg, ...features.end]);
    }
  });
});
