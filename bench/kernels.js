// Bytes a second of every SIMD kernel, counting what it must read and write, and as a share of memcpy in the same run:
// absolute times depend on the machine and on who shares it, ratios much less. `node bench/kernels.js` after a build.
import { pathToFileURL } from 'node:url';
import { BLOCK_FORMATS } from '../dist/kernels/block-formats.js';
import { FORMATS, format } from '../dist/kernels/formats.js';
import { elementOf, weightGrid } from '../dist/kernels/grid.js';
import { normals, uniform } from '../dist/kernels/random.js';
import { COUNTERS, createKernels } from '../dist/kernels/wasm.js';
import { integerBenchmark } from './integer.js';
import { spentSince } from './time.js';

/** 64 MB of float32: more than a last-level cache holds, so that memcpy is what memory gives. */
const N = 1 << 24;
const ROUNDS = 15;
/** A share of memcpy for the kernels that calibration and packing live by, and a bound for every format there is. */
const GOALS = { share: 0.5, nanoseconds: 20 };
const COMMON = ['int8', 'uint8', 'int4', 'int16', 'fp8', 'fp8e5m2', 'fp4', 'fp6e2m3', 'bf16', 'fp16'];
/** int32 is for biases, which have a function of their own. */
const OTHERS = [...FORMATS, ...BLOCK_FORMATS]
  .map(({ id }) => id)
  .filter((id) => ![...COMMON, 'int32'].includes(id));

const bytesOf = (row) => ({ int8: 1, uint8: 1, int16: 2, uint16: 2, int32: 4 })[row.array];
const tensor = (n) => ({ outer: 1, channels: 1, inner: n });
const shapeOf = (id, n) => {
  const block = BLOCK_FORMATS.find((row) => row.id === id)?.block;
  return block ? { outer: n / 4096, channels: 4096, inner: 1, block } : tensor(n);
};

/** One case: what it is, bytes it reads and writes for each value, and the call. */
function formatCases(kernels, { values, magnitudes, floats }, id, n) {
  const row = elementOf(id);
  const x = (row.signed ? values : magnitudes).subarray(0, n);
  const y = floats.subarray(0, n);
  const shape = shapeOf(id, n);
  // One scale fits any number of values of a tensor; blocks have their own.
  const seen = shape.block ? n : 65_536;
  const grid = weightGrid(kernels, x.subarray(0, seen), shapeOf(id, seen), id);
  const codes = row.bits > 16 ? undefined : kernels.codes(n, row);
  const width = bytesOf(row);
  const fake = [`${id} fakeQuantize`, 8, n, () => kernels.fakeQuantize(x, shape, grid, row, y)];
  if (!codes) return [fake];
  return [
    [`${id} quantize`, 4 + width, n, () => kernels.quantize(x, shape, grid, row, codes)],
    [`${id} dequantize`, 4 + width, n, () => kernels.dequantize(codes, shape, grid, row, y)],
    fake,
  ];
}

function allCases(kernels, arrays) {
  const { values, floats } = arrays;
  const counters = kernels.uint32(COUNTERS);
  const columns = { outer: N / 64, channels: 64, inner: 1 };
  const blocks = { outer: N / 4096, channels: 4096, inner: 1, block: 32 };
  const relu = kernels.float32(N / 4);
  relu.set(values.subarray(0, N / 4).map((x) => Math.max(x, 0)));
  const int8 = format('int8');
  const many = weightGrid(kernels, values, columns, 'int8');
  const small = weightGrid(kernels, values, blocks, 'int4');
  const codes = kernels.codes(N, int8);
  return [
    ['memcpy', 8, N, () => kernels.copy(floats, values)],
    ['minMax', 4, N, () => kernels.minMax(values)],
    ['histogram', 4, N, () => kernels.histogram(values, counters)],
    ['observe', 4, N, () => kernels.observe(values, counters)],
    ['observe (half zeros)', 4, N / 4, () => kernels.observe(relu, counters)],
    ['errorSums', 8, N, () => kernels.errorSums(values, floats)],
    ['groupErrors (blocks of 32)', 8, N, () => kernels.groupErrors(values, floats, blocks)],
    ['int8 quantize (last axis)', 5, N, () => kernels.quantize(values, columns, many, int8, codes)],
    [
      'int4 quantize (blocks of 32)',
      5,
      N,
      () => kernels.quantize(values, blocks, small, format('int4'), codes),
    ],
    ...COMMON.flatMap((id) => formatCases(kernels, arrays, id, N)),
    ...OTHERS.flatMap((id) => formatCases(kernels, arrays, id, N / 16)),
  ];
}

/**
 * @returns {{ kernel: string, nsPerValue: number, gigabytes: number, ofMemcpy: number }[]} best of interleaved rounds;
 * gigabytes are 10^9 bytes read and written a second
 */
export function kernelBenchmark() {
  const kernels = createKernels(60 * N);
  const values = kernels.float32(N);
  const next = normals(uniform(1));
  for (let i = 0; i < N; i++) values[i] = next();
  const magnitudes = kernels.float32(N);
  magnitudes.set(values.map(Math.abs));
  const cases = allCases(kernels, { values, magnitudes, floats: kernels.float32(N) });
  const best = cases.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    cases.forEach(([, , n, run], i) => {
      const before = process.cpuUsage();
      run();
      best[i] = Math.min(best[i], spentSince(before) / n);
    });
  }
  const rate = (i) => cases[i][1] / best[i];
  return cases.map(([kernel], i) => ({
    kernel,
    nsPerValue: best[i],
    gigabytes: rate(i),
    ofMemcpy: rate(i) / rate(0),
  }));
}

/** What the kernels are held to, as rows of the report. */
export function kernelGoals(results) {
  const of = (name) => results.find((r) => r.kernel === name).ofMemcpy;
  const slowest = results.reduce((a, b) => (a.nsPerValue > b.nsPerValue ? a : b));
  return [
    ...['int8 quantize', 'fp8 quantize'].map((name) => ({
      what: `${name}, share of memcpy`,
      value: of(name).toFixed(2),
      goal: `≥ ${GOALS.share}`,
    })),
    {
      what: `slowest: ${slowest.kernel}, ns a value`,
      value: slowest.nsPerValue.toFixed(1),
      goal: `≤ ${GOALS.nanoseconds}`,
    },
  ];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = kernelBenchmark();
  for (const { kernel, nsPerValue, gigabytes, ofMemcpy } of results) {
    const figures = `${nsPerValue.toFixed(2).padStart(8)} ns/value ${gigabytes.toFixed(1).padStart(6)} GB/s`;
    process.stdout.write(
      `${kernel.padEnd(30)}${figures} ${(100 * ofMemcpy).toFixed(0).padStart(4)} % of memcpy\n`,
    );
  }
  console.table(kernelGoals(results));
  console.table(await integerBenchmark());
}
