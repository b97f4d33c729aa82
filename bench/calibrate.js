// Calibrating 100 images on mobilenetv2-7 against bare onnxruntime inference of the same images, decoding counted on
// both sides, alternated in one process; then peak memory for 100 and for 1,000 samples in processes of their own.
// Ratios are of medians: absolute times depend on the machine and on who shares it.
// `QUANTIZE_ZOO=... node bench/calibrate.js` after a build.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { calibrate } from '../dist/src/calibrate/index.js';
import { openSamples } from '../dist/src/data/index.js';
import { loadModel } from '../dist/src/onnx/index.js';
import { candidates, parseScheme } from '../dist/src/plan/index.js';
import { graphInputs, inferTypes, prepare } from '../dist/src/prepare/index.js';
import { openModel } from '../dist/src/runtime/index.js';
import { findTarget } from '../dist/targets/index.js';

const ROUNDS = 7;
/** Goals of the project: time as a multiple of bare inference, and resident bytes. */
export const GOALS = { range: 1.3, histogram: 1.8, megabytes: 400 };

/** The model as the main job prepares it, the tensors that its plan needs, and the images. */
async function open(images, limit) {
  const { model: loaded, sha256 } = loadModel(
    join(process.env.QUANTIZE_ZOO, 'models/vision/mobilenetv2-7.onnx'),
  );
  const { model } = await prepare(loaded, { opset: 13 });
  const source = await openSamples(
    { from: [images], limit, preprocess: { preset: 'imagenet-torch' } },
    graphInputs(model),
  );
  const types = await inferTypes(model, { input: [1, 3, 224, 224] });
  const scheme = parseScheme('int8-perchannel');
  const tensors = candidates({ model, types, scheme, target: findTarget('ane'), keepFloat: new Set() });
  const run = (mode) => calibrate(model, tensors, source, { modelHash: sha256, mode, types });
  return { model, source, run };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** @returns {Promise<{ bareMs: number, range: number, histogram: number }>} milliseconds an image, and ratios to it */
export async function calibrationTimes() {
  const { model, source, run } = await open(join(process.env.QUANTIZE_ZOO, 'data/imagenet/calibration'));
  const bare = async () => {
    const session = await openModel(model);
    for await (const { feeds } of source.samples()) await session.run(feeds);
    await session.release();
  };
  const variants = { bare, range: () => run('range'), histogram: () => run('histogram') };
  const times = { bare: [], range: [], histogram: [] };
  for (const work of Object.values(variants)) await work();
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, work] of Object.entries(variants)) times[name].push(await timed(work));
  const ratio = (name) => median(times[name].map((t, i) => t / times.bare[i]));
  return { bareMs: median(times.bare) / source.count, range: ratio('range'), histogram: ratio('histogram') };
}

/** Peak resident megabytes of calibrating `count` images, in a process of its own. */
export function calibrationMegabytes(count) {
  const here = fileURLToPath(import.meta.url);
  const out = execFileSync(process.execPath, [here, '--memory', String(count)], { encoding: 'utf8' });
  return Number(out.trim());
}

/** The 100 images again and again, as links in a folder, until there are `count`. */
async function peakMegabytes(count) {
  const from = join(process.env.QUANTIZE_ZOO, 'data/imagenet/calibration');
  const names = readdirSync(from);
  const folder = mkdtempSync(join(tmpdir(), 'quantize-bench-'));
  try {
    for (let i = 0; i < count; i++)
      symlinkSync(join(from, names[i % names.length]), join(folder, `${i}-${names[i % names.length]}`));
    const { run } = await open(folder, count);
    await run('histogram');
  } finally {
    rmSync(folder, { recursive: true });
  }
  return process.resourceUsage().maxRSS / 1024;
}

export async function calibrationBenchmark() {
  const times = await calibrationTimes();
  return { ...times, megabytes100: calibrationMegabytes(100), megabytes1000: calibrationMegabytes(1000) };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , flag, count] = process.argv;
  if (!process.env.QUANTIZE_ZOO) console.error('QUANTIZE_ZOO does not name the folder of models and data');
  else if (flag === '--memory') console.log(await peakMegabytes(Number(count)));
  else console.table(await calibrationBenchmark());
}
