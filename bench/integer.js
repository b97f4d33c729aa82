// Products of codes with int32 sums, in multiply-accumulates a second of one core, each against the same layer in float32
// in onnxruntime on one thread: integers are there to be exact, and should not cost more than some times what floats do.
import { IntegerKernels } from '../dist/kernels/integer.js';
import { uniform } from '../dist/kernels/random.js';
import { makeAttribute, makeNode } from '../dist/src/ir/graph.js';
import { openModel } from '../dist/src/runtime/index.js';
import { spentSince } from './time.js';

const ROUNDS = 7;
const SIDE = 28;

const next = uniform(1);
const size = (dims) => dims.reduce((a, b) => a * b, 1);
const factor = (n, bits = 8) => ({
  codes: Int8Array.from({ length: n }, () => Math.floor((next() - 0.5) * 2 ** bits)),
  zeroPoints: Int32Array.of(0),
});
const floats = (dims) => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from({ length: size(dims) }, next),
});
const input = (name, dims) => ({
  name,
  type: { tensor: { elemType: 1, shape: { dims: dims.map((value) => ({ value })) } } },
});

/** The float32 layer of one node over random inputs of these dims, opened on one thread. */
async function floatLayer(node, dims) {
  const names = dims.map((_, i) => `in${i}`);
  const graph = {
    name: 'bench',
    nodes: [{ ...node, inputs: names }],
    inputs: names.map((name, i) => input(name, dims[i])),
    outputs: [{ name: 'y' }],
    initializers: [],
    valueInfo: [],
    sparseInitializers: [],
  };
  const opsetImports = [{ domain: '', version: 13 }];
  const session = await openModel(
    { irVersion: 8, opsetImports, metadata: [], functions: [], graph },
    { threads: 1 },
  );
  const feeds = Object.fromEntries(names.map((name, i) => [name, floats(dims[i])]));
  return { run: () => session.run(feeds), release: () => session.release() };
}

/** A convolution that keeps the size of its maps. */
function convCase(what, channels, filters, kernel, groups = 1, bits = 8) {
  const depth = (channels / groups) * kernel ** 2;
  const dims = [
    [1, channels, SIDE, SIDE],
    [filters, channels / groups, kernel, kernel],
  ];
  const [x, w] = [factor(size(dims[0])), factor(size(dims[1]), bits)];
  const pad = (kernel - 1) / 2;
  const geometry = {
    ...{ batch: 1, channels, filters, groups, size: [SIDE, SIDE], kernel: [kernel, kernel] },
    ...{ strides: [1, 1], dilations: [1, 1], pads: [pad, pad], out: [SIDE, SIDE] },
  };
  const attributes = [makeAttribute.ints('pads', [pad, pad, pad, pad]), makeAttribute.int('group', groups)];
  const node = makeNode('Conv', ['x', 'w'], ['y'], attributes);
  const run = (kernels) => kernels.conv(x, w, geometry);
  return { what, macs: SIDE ** 2 * filters * depth, run, node, dims };
}

/** rows × depth times depth × columns; Gemm keeps b transposed, as trained linear layers do. */
function productCase(what, operator, rows, depth, columns) {
  const [a, b] = [factor(rows * depth), factor(depth * columns)];
  const transposed = operator === 'Gemm';
  const along = transposed ? { at: 0, column: depth, depth: 1 } : { at: 0, column: 1, depth: columns };
  const geometry = { rows, columns, depth, a: { at: 0, row: depth, depth: 1 }, b: along };
  const attributes = transposed ? [makeAttribute.int('transB', 1)] : [];
  const node = makeNode(operator, ['a', 'b'], ['y'], attributes);
  const dims = [[rows, depth], transposed ? [columns, depth] : [depth, columns]];
  return {
    what,
    macs: rows * depth * columns,
    run: (kernels) => kernels.product(a, b, geometry),
    node,
    dims,
  };
}

const CASES = [
  convCase('Conv 3×3, 128 channels, int8 × int8', 128, 128, 3),
  convCase('Conv 3×3, 128 channels, int8 × int4', 128, 128, 3, 1, 4),
  convCase('Conv 1×1, 256 channels, int8 × int8', 256, 256, 1),
  convCase('Conv 3×3 depthwise, 256 channels, int8 × int8', 256, 256, 3, 256),
  productCase('Gemm 64 × 1024 × 1024, int8 × int8', 'Gemm', 64, 1024, 1024),
  productCase('MatMul 256 × 512 × 512, int8 × int8', 'MatMul', 256, 512, 512),
];

const sums = { outer: 1, channels: 256, inner: 4096 };
const grid = { signed: true, zeroPoint: 3, low: -128, high: 127 };

/** Milliseconds of the processor, best of interleaved rounds. */
async function best(runs) {
  const least = runs.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, run] of runs.entries()) {
      const before = process.cpuUsage();
      await run();
      least[i] = Math.min(least[i], spentSince(before) / 1e6);
    }
  return least;
}

/** Rows of the table that `npm run bench` prints. */
export async function integerBenchmark() {
  const kernels = new IntegerKernels();
  const rows = [];
  for (const { what, macs, run, node, dims } of CASES) {
    const layer = await floatLayer(node, dims);
    const [ours, float] = await best([() => run(kernels), layer.run]);
    await layer.release();
    rows.push({ what, gigaMacs: (macs / ours / 1e6).toFixed(2), timesFloat: (ours / float).toFixed(1) });
  }
  const accumulators = Int32Array.from({ length: 256 * 4096 }, () => Math.floor((next() - 0.5) * 1e6));
  const multipliers = new Float64Array(256).fill(2.3e-4);
  const [requantized] = await best([() => kernels.requantize(accumulators, sums, multipliers, grid)]);
  const nanoseconds = (1e6 * requantized) / accumulators.length;
  return [...rows, { what: `requantize int32 to int8: ${nanoseconds.toFixed(2)} ns a sum` }];
}
