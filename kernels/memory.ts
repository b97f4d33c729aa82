import { createMemory, type WasmMemory } from './module.js';

/** Values that one kernel call takes; larger arrays go in pieces, so that arrays outside need only a small scratch area. */
export const PIECE = 16_384;
/** u32 counters of one exponent histogram; kernels/assembly/observe.ts lays them out. */
export const COUNTERS = 16_388;

/** Addresses of the scratch area at the start of the memory; the first bytes stay free so that no address is 0. */
const RESULT = 64;
const FIRST = 1024;
const SECOND = FIRST + 4 * PIECE;
const THIRD = SECOND + 4 * PIECE;
const FOURTH = THIRD + 4 * PIECE;
const TABLE = FOURTH + 4 * PIECE;
/** The table also holds one float64 for each value of a piece. */
const SCRATCH_END = TABLE + Math.max(4 * COUNTERS, 8 * PIECE);
export const SCRATCH = {
  result: RESULT,
  first: FIRST,
  second: SECOND,
  third: THIRD,
  fourth: FOURTH,
  table: TABLE,
};

/** Arrays start on this boundary: a cache line. */
const ALIGNMENT = 64;

export type KernelArray =
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** A WebAssembly memory of fixed size with a bump allocator, so that no array in it is ever detached. */
export class KernelMemory {
  readonly memory: WasmMemory;
  private top = SCRATCH_END;

  /** @throws RangeError when the host cannot give a memory of that size */
  constructor(byteLength: number) {
    this.memory = createMemory(SCRATCH_END + ALIGNMENT + byteLength);
  }

  get buffer(): ArrayBuffer {
    return this.memory.buffer;
  }

  /** Address of `bytes` fresh bytes. Throws RangeError when they do not fit. */
  allocate(bytes: number): number {
    const start = Math.ceil(this.top / ALIGNMENT) * ALIGNMENT;
    if (start + bytes > this.buffer.byteLength) {
      const left = this.buffer.byteLength - start;
      throw new RangeError(`kernel memory: ${bytes} bytes wanted, ${left} left`);
    }
    this.top = start + bytes;
    return start;
  }

  /** Bytes that are left. */
  get room(): number {
    return this.buffer.byteLength - this.top;
  }

  mark(): number {
    return this.top;
  }

  reset(mark = SCRATCH_END): void {
    this.top = mark;
  }

  holds(array: KernelArray): boolean {
    return array.buffer === this.buffer;
  }

  /** Address of elements [at, at + n) of `array`, copied to `scratch` when the array lies outside. */
  place(array: KernelArray, at: number, n: number, scratch: number): number {
    if (this.holds(array)) return array.byteOffset + at * array.BYTES_PER_ELEMENT;
    const bytes = n * array.BYTES_PER_ELEMENT;
    const from = new Uint8Array(array.buffer, array.byteOffset + at * array.BYTES_PER_ELEMENT, bytes);
    new Uint8Array(this.buffer, scratch, bytes).set(from);
    return scratch;
  }

  /** Where a kernel writes elements [at, …) of `array`: the array itself, or `scratch` to `collect` from. */
  target(array: KernelArray, at: number, scratch: number): number {
    return this.holds(array) ? array.byteOffset + at * array.BYTES_PER_ELEMENT : scratch;
  }

  /** Copies what a kernel wrote to `scratch` into elements [at, at + n) of an array outside. */
  collect(array: KernelArray, at: number, n: number, scratch: number): void {
    if (this.holds(array)) return;
    const bytes = n * array.BYTES_PER_ELEMENT;
    const to = new Uint8Array(array.buffer, array.byteOffset + at * array.BYTES_PER_ELEMENT, bytes);
    to.set(new Uint8Array(this.buffer, scratch, bytes));
  }
}
