// `npm run bench`: performance as ratios, each against a baseline of the same run. Absolute times depend on the
// machine and on who shares it. QUANTIZE_ZOO names the folder of real models and images, QUANTIZE_PYTHON an
// interpreter with onnx and onnxruntime; what needs one that is not there says so.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { calibrationBenchmark, GOALS } from './calibrate.js';
import { integerBenchmark } from './integer.js';
import { kernelBenchmark, kernelGoals } from './kernels.js';
import { machineBenchmark } from './machine.js';
import { quantizeStatic } from './python.js';
import { roundingBenchmark } from './rounding.js';
import { GOALS as RUNG_GOALS, rungBenchmark } from './rungs.js';
import { GOALS as TRAINING_GOALS, trainingBenchmark } from './training.js';

const COMMAND = fileURLToPath(new URL('../bin/quantize.js', import.meta.url));
const zoo = process.env.QUANTIZE_ZOO;
const STARTS = 15;

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const row = (what, value, goal) => ({ what, value, goal: goal ?? '' });

function timed(args) {
  const start = performance.now();
  spawnSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - start;
}

/** `--help` against an empty program, in turns. */
function startup() {
  const pairs = Array.from({ length: STARTS }, () => [timed([COMMAND, '--help']), timed(['-e', '0'])]);
  return [row('quantize --help × node -e 0', median(pairs.map(([a, b]) => a / b)).toFixed(2), '< 2')];
}

async function calibration() {
  if (!zoo) return [row('calibration', 'needs QUANTIZE_ZOO')];
  const { bareMs, range, histogram, megabytes100, megabytes1000 } = await calibrationBenchmark();
  return [
    row('bare inference of mobilenetv2-7 with decoding, ms an image', bareMs.toFixed(1)),
    row('calibrating by min-max × bare inference', range.toFixed(2), `≤ ${GOALS.range}`),
    row('calibrating by mse or entropy × bare inference', histogram.toFixed(2), `≤ ${GOALS.histogram}`),
    row('peak MB, 100 samples', megabytes100.toFixed(0), `≤ ${GOALS.megabytes}`),
    row('peak MB, 1,000 samples', megabytes1000.toFixed(0), `≤ ${GOALS.megabytes}, the same`),
  ];
}

/** The whole command (with its verification) against the Python tool's quantize_static alone, on the same images. */
function wholeCommand() {
  if (!zoo) return [row('whole command', 'needs QUANTIZE_ZOO')];
  const model = join(zoo, 'models/vision/mobilenetv2-7.onnx');
  const images = join(zoo, 'data/imagenet/calibration');
  const folder = mkdtempSync(join(tmpdir(), 'quantize-bench-'));
  try {
    const start = performance.now();
    const options = [
      '--calibration',
      images,
      '--preset',
      'imagenet-torch',
      '--quiet',
      '-o',
      join(folder, 'out.onnx'),
    ];
    execFileSync(process.execPath, [COMMAND, model, ...options], { stdio: 'ignore' });
    const seconds = (performance.now() - start) / 1000;
    const rows = [row('whole command on 100 images, s', seconds.toFixed(1))];
    for (const method of ['MinMax', 'Percentile']) {
      const python = quantizeStatic(model, images, method);
      rows.push(
        python
          ? row(
              `whole command × Python quantize_static (${method}, peak ${python.peakMb} MB)`,
              (seconds / python.wallSeconds).toFixed(2),
            )
          : row('Python quantize_static', 'needs QUANTIZE_PYTHON'),
      );
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

console.table(startup());
const kernels = kernelBenchmark();
console.table(kernels);
console.table(kernelGoals(kernels));
console.table(await integerBenchmark());
console.table(await roundingBenchmark());
console.table(await calibration());
console.table(wholeCommand());
console.table(zoo ? await machineBenchmark(zoo) : [row('report -t cpu', 'needs QUANTIZE_ZOO')]);
if (zoo) console.table(rungBenchmark());
console.table([
  row(
    '--effort balanced: seconds on two cores, MB',
    '',
    `< ${RUNG_GOALS.seconds}, < ${RUNG_GOALS.megabytes}`,
  ),
]);
console.table(trainingBenchmark());
console.table([
  row(
    'a training step of mobilenetv2-7: × forward, MB',
    '',
    `≤ ${TRAINING_GOALS.ratio}, ≤ ${TRAINING_GOALS.megabytes}`,
  ),
]);
