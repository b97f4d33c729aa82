// What `report -t cpu` predicts against what this machine takes, in processor time of one thread, network by network.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { syntheticFeeds } from '../dist/src/data/synthetic.js';
import { loadModel } from '../dist/src/onnx/index.js';
import { report } from '../dist/src/pipeline.js';
import { openModel } from '../dist/src/runtime/index.js';
import { spentSince } from './time.js';

const COMMAND = fileURLToPath(new URL('../bin/quantize.js', import.meta.url));
/** Every float network of the collection whose inputs can be made up. */
const NETWORKS = [
  'vision/cifar10_imageclassifier_wml',
  'vision/cifar10_marabou_large',
  'vision/cifar10_resnet8_mlperftiny',
  'vision/cifar10_resnet_2b',
  'vision/cifar10_resnet_4b',
  'vision/cifar10_vit_pgd_2_3_16',
  'vision/mnist-7',
  'vision/mnist-8',
  'vision/mnist_fc_256x2',
  'vision/mnist_softmax_vespa',
  'vision/mobilenetv2-7',
  'vision/squeezenet1.1',
  'vision/style_candy',
  'vision/vww_mobilenet_v1_0.25_96',
  'detect/ultraface_RFB-320',
  'detect/ultraface_RFB-320_simplified',
  'detect/yolox_nano',
  'detect/yunet_n_640',
  'nlp/magika_standard_v3_3',
  'nlp/nnsplit_en',
  'nlp/stories260K',
  'audio/basic_pitch_nmp',
  'audio/dtln_model_1',
  'audio/dtln_model_2',
  'audio/speech_recog_wml',
];

const SECONDS = 1;

/** Least processor time of a run in ms, on inputs of the sizes that reports assume. */
async function fastest(file) {
  const { model } = loadModel(file);
  const session = await openModel(model, { threads: 1 });
  const feeds = syntheticFeeds(session.inputs, {}, 0);
  for (let i = 0; i < 2; i++) await session.run(feeds);
  let least = Number.POSITIVE_INFINITY;
  const end = performance.now() + 1000 * SECONDS;
  for (let runs = 0; runs < 5 || performance.now() < end; runs++) {
    const before = process.cpuUsage();
    await session.run(feeds);
    least = Math.min(least, spentSince(before) / 1e6);
  }
  await session.release();
  return least;
}

/** Predicted and measured milliseconds of a network in float32 and int8. */
async function compareNetwork(file, work) {
  const int8 = join(work, `${basename(file, '.onnx')}.int8.onnx`);
  const args = ['--target', 'cpu', '--scheme', 'int8-perchannel', '--effort', 'fast', '-o', int8];
  spawnSync(process.execPath, [COMMAND, file, ...args], { stdio: 'ignore' });
  const job = { model: file, target: 'cpu', scheme: 'int8-perchannel', method: 'mse', threads: 1 };
  const { float, quantized } = await report(job);
  return {
    network: basename(file, '.onnx'),
    float: { measured: await fastest(file), modelled: float.latencyMs.value },
    int8: { measured: await fastest(int8), modelled: quantized.latencyMs.value },
  };
}

/** A row a network: measured and modelled milliseconds, and the mean error of all of them below. */
export async function machineBenchmark(zoo) {
  const work = mkdtempSync(join(tmpdir(), 'quantize-machine-'));
  try {
    const rows = [];
    for (const name of NETWORKS) rows.push(await compareNetwork(join(zoo, 'models', `${name}.onnx`), work));
    const texts = rows.map(({ network, float, int8 }) => ({
      network,
      ...told('float32', float),
      ...told('int8', int8),
    }));
    return [
      ...texts,
      { network: 'mean error', 'float32 error': mean(rows, 'float'), 'int8 error': mean(rows, 'int8') },
    ];
  } finally {
    rmSync(work, { recursive: true });
  }
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;
const error = ({ measured, modelled }) => modelled / measured - 1;
const told = (format, figures) => ({
  [`${format} ms`]: Number(figures.measured.toPrecision(3)),
  [`${format} modelled`]: Number(figures.modelled.toPrecision(3)),
  [`${format} error`]: percent(error(figures)),
});
const mean = (rows, key) =>
  percent(rows.reduce((sum, row) => sum + Math.abs(error(row[key])), 0) / rows.length);
