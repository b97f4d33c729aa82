// Nanoseconds an element of every SIMD kernel, and as a multiple of memcpy in the same run: absolute times depend on
// the machine and on who shares it, ratios much less. `node bench/kernels.js` after a build.
import { pathToFileURL } from 'node:url';
import { format } from '../dist/kernels/formats.js';
import { COUNTERS, createKernels } from '../dist/kernels/wasm.js';

/** One activation of a convolution network, 802,816 values: 3.2 MB, more than a second-level cache. */
const N = 64 * 112 * 112;
const ROUNDS = 15;

function normals(out) {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < out.length; i++) {
    out[i] = Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  }
  return out;
}

/** @returns {{ kernel: string, nsPerElement: number, timesMemcpy: number }[]} best of 15 interleaved rounds */
export function kernelBenchmark() {
  const kernels = createKernels(10 * 4 * N);
  const values = normals(kernels.float32(N));
  const relu = kernels.float32(N);
  relu.set(values.map((x) => Math.max(x, 0)));
  const floats = kernels.float32(N);
  const counters = kernels.uint32(COUNTERS);
  const int8 = format('int8');
  const codes = kernels.codes(N, int8);
  const tensor = { outer: 1, channels: 1, inner: N };
  const one = { scales: Float32Array.of(4 / 127), zeroPoints: Int32Array.of(0) };
  const columns = { outer: N / 64, channels: 64, inner: 1 };
  const many = { scales: new Float32Array(64).fill(4 / 127), zeroPoints: new Int32Array(64) };
  const cases = [
    ['memcpy', () => kernels.copy(floats, values)],
    ['minMax', () => kernels.minMax(values)],
    ['histogram', () => kernels.histogram(values, counters)],
    ['observe', () => kernels.observe(values, counters)],
    ['observe (half zeros)', () => kernels.observe(relu, counters)],
    ['quantize', () => kernels.quantize(values, tensor, one, int8, codes)],
    ['quantize (last axis)', () => kernels.quantize(values, columns, many, int8, codes)],
    ['dequantize', () => kernels.dequantize(codes, tensor, one, int8, floats)],
    ['fakeQuantize', () => kernels.fakeQuantize(values, tensor, one, int8, floats)],
    ['errorSums', () => kernels.errorSums(values, floats)],
  ];
  const best = cases.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    cases.forEach(([, run], i) => {
      const start = process.hrtime.bigint();
      run();
      best[i] = Math.min(best[i], Number(process.hrtime.bigint() - start) / N);
    });
  }
  return cases.map(([kernel], i) => ({ kernel, nsPerElement: best[i], timesMemcpy: best[i] / best[0] }));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { kernel, nsPerElement, timesMemcpy } of kernelBenchmark()) {
    const ns = nsPerElement.toFixed(3).padStart(8);
    process.stdout.write(
      `${kernel.padEnd(24)}${ns} ns/element ${timesMemcpy.toFixed(1).padStart(6)} × memcpy\n`,
    );
  }
}
