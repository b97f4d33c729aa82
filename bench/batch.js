// QUANTIZE_ZOO=<folder> node bench/batch.js [limit]: a batch against the same jobs started one by one, model by model in
// turns, so that both meet the same load of the machine.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sums } from './cluster.js';

const COMMAND = fileURLToPath(new URL('../bin/quantize.js', import.meta.url));
const zoo = process.env.QUANTIZE_ZOO;
const limit = process.argv[2] ?? '32';
const pictures = { calibration: join(zoo ?? '', 'data/imagenet/calibration'), preset: 'imagenet-torch' };
const MODELS = [
  ['vision/mobilenetv2-7', pictures],
  ['vision/squeezenet1.1', pictures],
  ['vision/cifar10_resnet_2b', {}],
  ['detect/ultraface_RFB-320', {}],
  ['audio/speech_recog_wml', {}],
];
const TARGETS = ['ane', 'tpu', 'h100'];
const SCHEMES = ['int8-perchannel', 'int8-perlayer'];

function timed(args) {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return (performance.now() - start) / 1000;
}

function compare(model, settings) {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-batch-'));
  const file = join(zoo, 'models', `${model}.onnx`);
  const name = basename(model);
  const jobs = join(folder, 'jobs.json');
  const defaults = { ...settings, limit, effort: 'fast' };
  writeFileSync(
    jobs,
    JSON.stringify({ models: [file], targets: TARGETS, schemes: SCHEMES, defaults, output: 'batch' }),
  );
  const together = timed(['batch', jobs, '-q']);
  const loop = join(folder, 'loop');
  mkdirSync(loop);
  const flags = Object.entries(defaults).flatMap(([flag, value]) => [`--${flag}`, value]);
  let alone = 0;
  for (const target of TARGETS)
    for (const scheme of SCHEMES) {
      const output = join(loop, `${name}.${target}.${scheme}.onnx`);
      alone += timed([file, '-t', target, '-s', scheme, '-o', output, '-q', ...flags]);
    }
  const same = JSON.stringify(sums(loop)) === JSON.stringify(sums(join(folder, 'batch')));
  rmSync(folder, { recursive: true, force: true });
  return { together, alone, same };
}

const row = (name, together, alone, same) =>
  `| ${name} | ${alone.toFixed(1)} | ${together.toFixed(1)} | ${(together / alone).toFixed(2)} | ${same ? 'yes' : 'NO'} |`;

if (!zoo) console.log('QUANTIZE_ZOO is not set, so there is nothing to compare');
else {
  console.log('| model, 6 jobs | one by one, s | batch, s | ratio | same bytes |\n|---|---|---|---|---|');
  const total = { together: 0, alone: 0, same: true };
  for (const [model, settings] of MODELS) {
    const { together, alone, same } = compare(model, settings);
    console.log(row(basename(model), together, alone, same));
    total.together += together;
    total.alone += alone;
    total.same &&= same;
  }
  console.log(row('all', total.together, total.alone, total.same));
}
