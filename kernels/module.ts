import { readFileSync } from 'node:fs';

/** The exports of kernels/simd.wasm; every argument is a byte address, a count or a plain number. */
export interface KernelExports {
  minMax(values: number, n: number, out: number): void;
  histogram(values: number, n: number, counters: number): void;
  observe(values: number, n: number, counters: number, out: number): void;
  quantize(values: number, out: number, ...rest: number[]): void;
  fakeQuantize(values: number, out: number, ...rest: number[]): void;
  dequantize(codes: number, out: number, ...rest: number[]): void;
  quantizeWide(values: number, out: number, ...rest: number[]): void;
  dequantizeWide(codes: number, out: number, ...rest: number[]): void;
  quantizeFloat(values: number, out: number, ...rest: number[]): void;
  quantizeHalf(values: number, out: number, ...rest: number[]): void;
  fakeQuantizeFloat(values: number, out: number, ...rest: number[]): void;
  cutFloat(values: number, out: number, n: number, shift: number, rounding: number): void;
  quantizeBrain(values: number, out: number, n: number): void;
  dequantizeBrain(codes: number, out: number, n: number): void;
  dequantizeHalf(codes: number, out: number, n: number): void;
  quantizeTable(values: number, out: number, ...rest: number[]): void;
  fakeQuantizeTable(values: number, out: number, ...rest: number[]): void;
  dequantizeTable(codes: number, out: number, ...rest: number[]): void;
  errorSums(xs: number, ys: number, n: number, out: number): void;
  groupErrors(xs: number, ys: number, ...rest: number[]): void;
  shrinkSums(values: number, n: number, ...rest: number[]): void;
  copy(to: number, from: number, bytes: number): void;
  addInto(to: number, from: number, n: number): void;
  narrow(from: number, to: number, n: number): void;
  cholesky(a: number, n: number): number;
  shiftRows(w: number, difference: number, ...rest: number[]): void;
  roundNearest(w: number, out: number, rows: number, n: number, grid: number): void;
  pruneRows(w: number, out: number, ...rest: number[]): void;
  roundRows(w: number, out: number, ...rest: number[]): void;
  descend(w: number, q: number, ...rest: number[]): void;
  refit(w: number, q: number, ...rest: number[]): void;
  gridErrors(w: number, weights: number, ...rest: number[]): void;
  packRows(codes: number, ...rest: number[]): void;
  packPatches(codes: number, ...rest: number[]): void;
  multiplyRows(a: number, rowsA: number, b: number, rowsB: number, ...rest: number[]): void;
  requantize(accumulators: number, out: number, ...rest: number[]): void;
  scaleSums(accumulators: number, out: number, ...rest: number[]): void;
  addCodes(a: number, ...rest: number[]): void;
  multiplyCodes(a: number, ...rest: number[]): void;
  magnitudes(codes: number, ...rest: number[]): void;
  widest(accumulators: number, n: number): number;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

/** The part of the WebAssembly global that is used: its types come with the DOM's, which Node programs leave out. */
interface WebAssemblyGlobal {
  Memory: new (pages: { initial: number; maximum: number }) => WasmMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: unknown };
}
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal })
  .WebAssembly;

const PAGE = 65_536;
/** One page short of the 4 GiB of WebAssembly: an array that ended there would end at address 0. */
const MAX_PAGES = 65_535;

/** A memory that never grows. Throws RangeError when it is too large for WebAssembly or for the host. */
export function createMemory(byteLength: number): WasmMemory {
  const pages = Math.ceil(byteLength / PAGE);
  if (!(pages <= MAX_PAGES)) throw new RangeError(`kernel memory: ${byteLength} bytes are more than 4 GiB`);
  return new Memory({ initial: pages, maximum: pages });
}

let compiled: object | undefined;

/** Reads and compiles the module. Throws Error when the file is not there. */
export function compileKernels(file = new URL('./simd.wasm', import.meta.url)): object {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new Error('The SIMD kernels are not built: kernels/simd.wasm is missing. Run `npm run build`.', {
      cause,
    });
  }
  return new Module(bytes);
}

/** The kernels over `memory`. The module is compiled once a process, at the first call. */
export function instantiate(memory: WasmMemory): KernelExports {
  compiled ??= compileKernels();
  return new Instance(compiled, { env: { memory } }).exports as KernelExports;
}
