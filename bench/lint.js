// What the linter finds in our own output: targets × schemes over networks of every kind, each held against the rules of
// the runtimes that its form is for. `node bench/lint.js [model]` prints a line for each finding and the sum at the end;
// QUANTIZE_ZOO names the folder of models.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lint } from '../dist/src/lint/index.js';
import { loadModel } from '../dist/src/onnx/index.js';

const COMMAND = fileURLToPath(new URL('../bin/quantize.js', import.meta.url));
const ZOO = process.env.QUANTIZE_ZOO;
const MODELS = [
  'vision/mobilenetv2-7',
  'vision/squeezenet1.1',
  'vision/cifar10_resnet8_mlperftiny',
  'vision/cifar10_vit_pgd_2_3_16',
  'detect/yolox_nano',
  'audio/dtln_model_1',
  'nlp/stories260K',
];
/** A target, a scheme, more options, and whose rules fit what is written. */
const JOBS = [
  ['ane', 'int8-perchannel', [], ['coreml', 'onnxruntime']],
  ['ane', 'int4-perchannel', [], ['coreml', 'onnxruntime']],
  ['tpu', 'int8-perchannel', [], ['onnxruntime']],
  ['cpu', 'int8-perchannel', [], ['onnxruntime']],
  ['cpu', 'int8-perlayer', [], ['onnxruntime']],
  ['cpu', 'int8-a16-perchannel', [], ['onnxruntime']],
  ['cpu', 'int8-dynamic-perchannel', [], ['onnxruntime']],
  ['cpu', 'int2-a8-perchannel', [], ['onnxruntime']],
  ['cpu', 'int2-a4-perchannel', [], ['onnxruntime']],
  ['cpu', 'int2-float-perchannel', [], ['onnxruntime']],
  ['cpu', 'int4-block32', [], ['onnxruntime']],
  ['cpu', 'int4-block32', ['--weight-only', 'matmulnbits'], ['onnxruntime']],
  ['cpu', 'fp8-perchannel', [], ['onnxruntime']],
  ['cpu', 'nvfp4', [], ['onnxruntime']],
  ['h100', 'fp8-perchannel', [], ['tensorrt']],
  ['h100', 'fp8-perchannel', ['--high-precision', 'fp16'], ['tensorrt']],
  ['h100', 'fp8-perchannel', ['--high-precision', 'bf16'], ['tensorrt']],
  ['h100', 'fp8-perchannel', ['--encoding', 'exec'], ['onnxruntime']],
  ['h100', 'int8-perchannel', [], ['tensorrt', 'onnxruntime']],
  ['h100', 'int8-perchannel', ['--high-precision', 'fp16'], ['tensorrt']],
  ['h100', 'int4-block128', [], ['tensorrt', 'onnxruntime']],
];
const FAST = ['--effort', 'fast', '-m', 'minmax', '--limit', '2', '-q'];

const run = (...args) => promisify(execFile)(process.execPath, [COMMAND, ...args], { maxBuffer: 2 ** 28 });

async function findings(model, [target, scheme, more, runtimes], folder) {
  const file = join(folder, 'q.onnx');
  await run(join(ZOO, 'models', `${model}.onnx`), '-t', target, '-s', scheme, ...more, '-o', file, ...FAST);
  const { model: written } = loadModel(file);
  return runtimes.flatMap((runtime) =>
    lint(written, runtime).map(({ rule, message, node }) => `${runtime}: ${rule}: ${message} (${node})`),
  );
}

async function sweep(filter) {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-lint-'));
  let [models, checks, sum] = [0, 0, 0];
  try {
    for (const model of MODELS.filter((m) => m.includes(filter ?? '')))
      for (const job of JOBS) {
        const found = await findings(model, job, folder);
        for (const line of new Set(found))
          console.log(`${model} ${job[0]} ${job[1]} ${job[2].join(' ')}: ${line}`);
        models++;
        checks += job[3].length;
        sum += found.length;
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${models} models, held against ${checks} sets of rules: ${sum} findings`);
}

if (ZOO) await sweep(process.argv[2]);
else console.log('QUANTIZE_ZOO names no folder of models');
