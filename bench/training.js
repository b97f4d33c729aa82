// What training costs: one step (forward with rounding, backward, optimiser) against one forward pass of the same batch
// in the same process, and the memory that the process takes for it. One process for each network.
// `QUANTIZE_ZOO=... node bench/training.js [network …]` after a build; with QUANTIZE_PYTHON, against the step of the float
// network in torch, or else JAX, on as many threads.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { saveModel } from '../dist/src/onnx/index.js';
import { decide } from '../dist/src/pipeline/decide.js';
import { openJob } from '../dist/src/pipeline/stages.js';
import { trainingBytes } from '../dist/src/pipeline/training/memory.js';
import { sized } from '../dist/src/pipeline/training/sizes.js';
import { startOf, withConstants } from '../dist/src/pipeline/training/start.js';
import { openModel } from '../dist/src/runtime/index.js';
import { goalOf, layoutOf, openTrainer } from '../dist/src/train/index.js';

const AUTOGRAD = fileURLToPath(new URL('../test/interop/python/autograd.py', import.meta.url));
const THREADS = 2;
const STEPS = 5;
/** Goal of the project for a step of mobilenetv2-7: × the forward pass, and bytes of the process. */
export const GOALS = { ratio: 8, megabytes: 2500 };

const zoo = process.env.QUANTIZE_ZOO ?? '';
const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
export const NETWORKS = {
  fixture: {
    model: join(fixtures, 'shapes.onnx'),
    scheme: 'int4-a4-perchannel',
    batch: 64,
  },
  resnet8: {
    model: join(zoo, 'models/vision/cifar10_resnet8_mlperftiny.onnx'),
    scheme: 'int4-a4-perchannel',
    batch: 64,
  },
  vit: {
    model: join(zoo, 'models/vision/cifar10_vit_pgd_2_3_16.onnx'),
    scheme: 'int4-a4-perchannel',
    batch: 64,
  },
  'mobilenetv2-7': {
    model: join(zoo, 'models/vision/mobilenetv2-7.onnx'),
    scheme: 'int4-a8-perchannel',
    batch: 8,
  },
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const megabytes = (bytes) => bytes / 1e6;

/** Milliseconds of one call: by the clock, and of all processors, which others on the machine disturb less. */
async function timed(work, times = STEPS) {
  const [clock, cpu] = [[], []];
  for (let i = 0; i <= times; i++) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    await work(i + 1);
    if (i === 0) continue;
    const { user, system } = process.cpuUsage(used);
    clock.push(performance.now() - start);
    cpu.push((user + system) / 1000);
  }
  return { clock: median(clock), cpu: median(cpu) };
}

const repeated = ({ dims, data, dtype }, times) => {
  const all = new data.constructor(data.length * times);
  for (let i = 0; i < times; i++) all.set(data, i * data.length);
  return { dtype, dims: [times, ...dims.slice(1)], data: all };
};

/** The network as training starts: batch fixed, its rounding as the scheme says. */
export async function problemOf({ batch, ...options }) {
  const job = { target: 'ane', method: 'mse', effort: 'fast', limit: 4, threads: THREADS, ...options };
  const { draft } = await decide(await openJob(job));
  const { value } = await draft.source.samples()[Symbol.asyncIterator]().next();
  const one = value.feeds;
  const feeds = Object.fromEntries(
    Object.entries(one).map(([name, sample]) => [name, repeated(sample, batch)]),
  );
  const { model, dims } = await sized(draft.job.prepared, one, batch);
  const { weights, constants } = startOf(draft);
  const { terms } = goalOf(model, dims, []);
  const problem = {
    model: withConstants(model, constants),
    dims,
    quantized: { plan: draft.plan, weights },
    terms,
    settings: { optimiser: 'adam', learnScales: true, clip: 1, annealing: false },
  };
  return { problem, feeds };
}

/** Milliseconds of a float training step in the interpreter's framework; undefined without one. */
async function theirs(model, batch, { value, target }, input) {
  if (!process.env.QUANTIZE_PYTHON) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'quantize-bench-'));
  const raw = (name, { data }) => {
    writeFileSync(join(folder, name), data);
    return join(folder, name);
  };
  try {
    const { parameters } = layoutOf({ model }, { weights: [], activations: [] });
    const job = {
      model: join(folder, 'model.onnx'),
      parameters,
      scores: value,
      steps: STEPS,
      ...{ input: raw('input', batch[input]), inputDims: batch[input].dims },
      ...{ shares: raw('shares', batch[target]), sharesDims: batch[target].dims },
    };
    await saveModel(model, job.model);
    writeFileSync(join(folder, 'job.json'), JSON.stringify(job));
    return JSON.parse(
      execFileSync(process.env.QUANTIZE_PYTHON, [AUTOGRAD, join(folder, 'job.json')], { encoding: 'utf8' }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(name) {
  const { problem, feeds } = await problemOf(NETWORKS[name]);
  const { model, dims, terms } = problem;
  const [{ target, value }] = terms;
  const shape = dims.get(value);
  const share = new Float32Array(shape.reduce((a, b) => a * b)).fill(1 / shape.at(-1));
  const batch = { ...feeds, [target]: { dtype: 'float32', dims: shape, data: share } };
  const float = await openModel(model, { threads: THREADS });
  const forward = await timed(() => float.run(feeds));
  await float.release();
  const torch = await theirs(model, batch, terms[0], Object.keys(feeds)[0]);
  const estimated = await trainingBytes(problem);
  const trainer = await openTrainer(problem, THREADS);
  const step = await timed((n) => trainer.step(batch, { step: n, rate: 1e-4, scaleRate: 1e-4, share: 1 }));
  await trainer.release();
  return {
    forward,
    step,
    torch,
    estimated,
    peak: process.resourceUsage().maxRSS * 1024,
  };
}

/** Rows for a table, one a network. */
export function trainingBenchmark(names = Object.keys(NETWORKS)) {
  return names
    .filter((name) => existsSync(NETWORKS[name].model))
    .map((name) => {
      const out = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--measure', name], {
        encoding: 'utf8',
      });
      const { forward, step, torch, estimated, peak } = JSON.parse(out);
      return {
        network: `${name}, batches of ${NETWORKS[name].batch}, ${NETWORKS[name].scheme}`,
        'forward ms': forward.clock.toFixed(0),
        'step ms': step.clock.toFixed(0),
        'step x forward': (step.clock / forward.clock).toFixed(1),
        'by CPU time': (step.cpu / forward.cpu).toFixed(1),
        ...(torch && {
          [`step x ${torch.framework}'s float step`]: (step.clock / torch.milliseconds).toFixed(1),
        }),
        'MB estimated': megabytes(estimated).toFixed(0),
        'MB peak': megabytes(peak).toFixed(0),
      };
    });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , ...args] = process.argv;
  if (args[0] === '--measure') console.log(JSON.stringify(await measure(args[1])));
  else console.table(trainingBenchmark(args.length > 0 ? args : undefined));
}
