// What each rung of the main job costs on mobilenetv2-7 with 100 images, against bare inference of the same images with
// decoding in the same process; peak memory of that process. One process for each effort.
// `QUANTIZE_ZOO=... node bench/rungs.js [fast|balanced|max …]` after a build.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openSamples } from '../dist/src/data/index.js';
import { loadModel } from '../dist/src/onnx/index.js';
import { quantize } from '../dist/src/pipeline.js';
import { graphInputs, prepare } from '../dist/src/prepare/index.js';
import { openModel } from '../dist/src/runtime/index.js';

const THREADS = 2;
const EVERY_MS = 10;
/** Goals of the project for the default effort: seconds of the whole job on two cores, and resident megabytes. */
export const GOALS = { seconds: 90, megabytes: 1000 };

const files = () => ({
  model: join(process.env.QUANTIZE_ZOO, 'models/vision/mobilenetv2-7.onnx'),
  images: join(process.env.QUANTIZE_ZOO, 'data/imagenet/calibration'),
});

const timed = async (work) => {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
};

async function bareInference() {
  const { model, images } = files();
  const { model: prepared } = await prepare(loadModel(model).model, { opset: 13 });
  const preprocess = { preset: 'imagenet-torch' };
  const source = await openSamples({ from: [images], preprocess }, graphInputs(prepared));
  const session = await openModel(prepared, { threads: THREADS });
  for await (const { feeds } of source.samples()) await session.run(feeds);
  await session.release();
}

/** Resident memory while each stage runs, the most of samples every few milliseconds and of where stages meet. */
function watchMemory() {
  const peaks = {};
  let stage = 'load';
  const sample = () => {
    peaks[stage] = Math.max(peaks[stage] ?? 0, process.memoryUsage.rss() / 2 ** 20);
  };
  const timer = setInterval(sample, EVERY_MS);
  const onProgress = (event) => {
    sample();
    stage = event.stage;
    sample();
  };
  return { peaks, onProgress, stop: () => clearInterval(timer) };
}

/** One job in this process. */
async function measure(effort) {
  const { model, images } = files();
  const bare = await timed(bareInference);
  const folder = mkdtempSync(join(tmpdir(), 'quantize-bench-'));
  const memory = watchMemory();
  const options = {
    ...{ model, target: 'ane', scheme: 'int8-perchannel', method: 'mse', preset: 'imagenet-torch' },
    ...{ calibration: [images], threads: THREADS, effort, output: join(folder, 'out.onnx') },
  };
  try {
    const { onProgress, peaks } = memory;
    const { seconds, result } = await timed(() => quantize({ ...options, onProgress }));
    const megabytes = process.resourceUsage().maxRSS / 1024;
    const { improvements = [], metrics } = result.report;
    const { sqnrDb } = metrics.outputs[0];
    return { seconds, bareSeconds: bare.seconds, megabytes, peaks, improvements, sqnrDb };
  } finally {
    memory.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Rows for a table: the whole job of each effort, and each of its rungs. */
export function rungBenchmark(efforts = ['fast', 'balanced', 'max']) {
  return efforts.flatMap((effort) => {
    const here = fileURLToPath(import.meta.url);
    const out = execFileSync(process.execPath, [here, '--measure', effort], { encoding: 'utf8' });
    const { seconds, bareSeconds, megabytes, peaks, improvements, sqnrDb } = JSON.parse(out);
    const line = (what, time, db, peak) => ({
      what,
      seconds: time.toFixed(1),
      'x bare': (time / bareSeconds).toFixed(1),
      dB: db?.toFixed(1),
      MB: peak?.toFixed(0),
    });
    return [
      line(`--effort ${effort}`, seconds, sqnrDb, megabytes),
      ...improvements.map((r) =>
        line(`  ${r.step}${r.kept ? '' : ' (not kept)'}`, r.seconds, r.afterDb, peaks[r.step]),
      ),
    ];
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , ...args] = process.argv;
  if (!process.env.QUANTIZE_ZOO) console.error('QUANTIZE_ZOO does not name the folder of models and data');
  else if (args[0] === '--measure') console.log(JSON.stringify(await measure(args[1])));
  else console.table(rungBenchmark(args.length > 0 ? args : undefined));
}
