// What rounding by second moments costs, against what the same arithmetic costs in onnxruntime: a product of two square
// matrices for Cholesky, the bare product of the unfolded input for the sums. Best of some interleaved rounds.
import { choleskyFactor } from '../dist/kernels/cholesky.js';
import { LayerRounding } from '../dist/kernels/lattice.js';
import { uniform } from '../dist/kernels/random.js';
import { roundLayer } from '../dist/kernels/round-layer.js';
import { makeAttribute, makeNode } from '../dist/src/ir/graph.js';
import { floatTensor } from '../dist/src/ir/tensor.js';
import { secondMoments, tasksOf } from '../dist/src/quantize/hessian/index.js';
import { openModel } from '../dist/src/runtime/index.js';

const ROUNDS = 5;
const SIZES = [512, 1024];
/** A 3×3 convolution over 64 channels of 32 × 32 positions. */
const [CHANNELS, SIDE] = [64, 32];
const SAMPLES = 8;

const random = uniform(1);
/** In [-1, 1). */
const next = () => 2 * random() - 1;
const numbers = (n) => Float32Array.from({ length: n }, next);
const value = (name, dims) => ({
  name,
  type: { tensor: { elemType: 1, shape: { dims: dims.map((d) => ({ value: d })) } } },
});
const model = (nodes, inputs, output, initializers = []) => ({
  irVersion: 8,
  opsetImports: [{ domain: '', version: 13 }],
  metadata: [],
  functions: [],
  graph: {
    ...{
      name: 'bench',
      nodes,
      outputs: [{ name: output }],
      valueInfo: [],
      sparseInitializers: [],
      initializers,
    },
    inputs: Object.entries(inputs).map(([name, dims]) => value(name, dims)),
  },
});
const tensor = (dims) => ({ dtype: 'float32', dims, data: numbers(dims.reduce((a, b) => a * b, 1)) });

/** Milliseconds of a product of rows × inner and inner × columns. */
async function product(rows, inner, columns) {
  const inputs = { a: [rows, inner], b: [inner, columns] };
  const session = await openModel(model([makeNode('MatMul', ['a', 'b'], ['y'])], inputs, 'y'));
  const feeds = { a: tensor(inputs.a), b: tensor(inputs.b) };
  return { run: () => session.run(feeds), release: () => session.release() };
}

async function best(runs) {
  const least = runs.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, run] of runs.entries()) {
      const start = performance.now();
      await run();
      least[i] = Math.min(least[i], performance.now() - start);
    }
  return least;
}

/** x·xᵀ of random x, well conditioned. */
function moments(n) {
  const h = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) h[i * n + j] = h[j * n + i] = i === j ? n : next();
  return h;
}

async function factoring(n) {
  const h = moments(n);
  const bare = await product(n, n, n);
  const rows = n;
  const weights = numbers(rows * n);
  const grid = {
    scales: new Float32Array(rows).fill(1 / 7),
    zeroPoints: new Int32Array(rows),
    rowBase: Int32Array.from({ length: rows }, (_, r) => r),
    columnBase: new Int32Array(n),
    ...{ low: -7, high: 7 },
  };
  const round = () => roundLayer(new LayerRounding(weights, rows, n, h, grid), { scales: true });
  const [factor, rounding, matMul] = await best([() => choleskyFactor(h, n), round, bare.run]);
  await bare.release();
  return [
    { what: `Cholesky of ${n} × ${n} in float64, ms`, value: factor.toFixed(1), goal: '' },
    {
      what: `Cholesky × a product of ${n} × ${n} in onnxruntime`,
      value: (factor / matMul).toFixed(2),
      goal: '',
    },
    {
      what: `a layer of ${n} × ${n} rounded to 4 bits × its Cholesky`,
      value: (rounding / factor).toFixed(1),
      goal: '',
    },
  ];
}

async function summing() {
  const dims = [1, CHANNELS, SIDE, SIDE];
  const columns = 9 * CHANNELS;
  const conv = makeNode('Conv', ['x', 'w'], ['y'], [makeAttribute.ints('pads', [1, 1, 1, 1])], { name: 'n' });
  const w = floatTensor('w', [CHANNELS, CHANNELS, 3, 3], numbers(CHANNELS * columns));
  const network = model([conv], { x: dims }, 'y', [w]);
  const plan = {
    tensor: 'w',
    uses: [{ node: 'n', input: 1 }],
    format: 'int4',
    granularity: { kind: 'perchannel' },
    axis: 0,
  };
  const types = new Map([['x', { name: 'x', dtype: 'float32', dims }]]);
  const tasks = tasksOf(network, [plan], types);
  const source = {
    count: SAMPLES,
    async *samples() {
      for (let i = 0; i < SAMPLES; i++) yield { index: i, id: String(i), feeds: { x: tensor(dims) } };
    },
  };
  const bare = await product(columns, SIDE * SIDE, columns);
  const products = async () => {
    for (let i = 0; i < SAMPLES; i++) await bare.run();
  };
  const [sums, alone] = await best([() => secondMoments(network, tasks, types, source), products]);
  await bare.release();
  return {
    what: `sums for a 3×3 convolution of ${CHANNELS} channels × the bare products`,
    value: (sums / alone).toFixed(2),
    goal: '',
  };
}

/** Rows of the table that `npm run bench` prints. */
export async function roundingBenchmark() {
  const rows = [];
  for (const n of SIZES) rows.push(...(await factoring(n)));
  return [...rows, await summing()];
}
