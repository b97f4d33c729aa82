import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { draw } from '../../fixtures/draw.js';
import { SETS } from '../../fixtures/generate.js';
import { bytesOf } from '../../src/ir/tensor.js';
import { openSession } from '../../src/runtime/session.js';
import type { TypedArray } from '../../src/runtime/types.js';
import { dumpSamples } from '../zoo/dump.js';
import { first, span, tensor, ZOO, type ZooSamples } from '../zoo/samples.js';
import { MODELS, modelFile } from '../zoo/zoo.js';
import { PYTHON, python, WITHOUT } from './python.js';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'quantize-interop-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Case {
  name: string;
  file: string;
  samples: ZooSamples;
}

const fixture: Case = {
  name: 'the fixture',
  file: join(root, 'fixtures/shapes.onnx'),
  samples: {
    count: 8,
    async *feeds() {
      for (const i of span(0, 8))
        yield { image: tensor('float32', [1, 1, 32, 32], Float32Array.from(draw(SETS.calibration.seed, i))) };
    },
  },
};

/** One of each kind: plain, depthwise, transformer, recurrent, detector with several outputs, text. */
const KINDS = [
  'vision/mnist-8',
  'vision/cifar10_resnet8_mlperftiny',
  'vision/vww_mobilenet_v1_0.25_96',
  'vision/cifar10_vit_pgd_2_3_16',
  'vision/mobilenetv2-7',
  'detect/ultraface_RFB-320',
  'detect/yolox_nano',
  'audio/dtln_model_2',
  'nlp/nnsplit_en',
];
const real: Case[] = MODELS.filter(({ id }) => ZOO && KINDS.includes(id)).map((model) => ({
  name: model.id,
  file: modelFile(model),
  samples: first(model.samples('calibration'), 8),
}));

const SCHEMES = ['int8-perchannel', 'int8-perlayer', 'uint8-perchannel'];

interface Read {
  checker: string;
  opset: Record<string, number>;
  outputs: string[];
}

describe.skipIf(!PYTHON)(`independent readers take what we write${PYTHON ? '' : ` (${WITHOUT})`}`, () => {
  it.each(
    [fixture, ...real].flatMap((c) =>
      (c === fixture ? SCHEMES : SCHEMES.slice(0, 1)).map((scheme) => ({ ...c, scheme })),
    ),
  )('$name, $scheme', async ({ name, file, samples, scheme }) => {
    const folder = join(work, `${name} ${scheme}`.replaceAll(/\W/g, '_'));
    const [feeds, outputs, model] = ['samples', 'outputs', 'quantized.onnx'].map((part) =>
      join(folder, part),
    );
    mkdirSync(outputs, { recursive: true });
    await dumpSamples(samples, feeds);
    const job = [
      file,
      '--target',
      'cpu',
      '--scheme',
      scheme,
      '--calibration',
      feeds,
      '--effort',
      'fast',
      '-o',
      model,
      '--quiet',
    ];
    await promisify(execFile)(process.execPath, [join(root, 'bin/quantize.js'), ...job]);

    const read = await python<Read>('read_model.py', [model, feeds, outputs]);
    expect(read.checker).toBe('ok');
    expect(read.opset['']).toBeGreaterThanOrEqual(13);
    await sameOutputs(model, samples, outputs, read.outputs);
  });
});

/** onnxruntime in Python and in node are the same version with the same kernels: their outputs must be the same bits. */
async function sameOutputs(
  model: string,
  samples: ZooSamples,
  folder: string,
  names: string[],
): Promise<void> {
  const session = await openSession(model);
  let i = 0;
  for await (const feeds of samples.feeds()) {
    const ours = await session.run(feeds);
    const theirs = unzipSync(readFileSync(join(folder, `${String(i++).padStart(5, '0')}.npz`)));
    names.forEach((name, o) => {
      const npy = theirs[`o${o}.npy`];
      const body = npy.subarray(10 + (npy[8] | (npy[9] << 8)));
      expect(
        Buffer.from(bytesOf(ours[name].data as TypedArray)).equals(body),
        `${name} of sample ${i - 1}`,
      ).toBe(true);
    });
  }
  await session.release();
}
