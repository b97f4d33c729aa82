import { KernelMemory } from './memory.js';
import { instantiate, type KernelExports } from './module.js';

/** A sum that grows by arrays of float32, in float64. */
export interface RunningSum {
  /** Where the next addend is written. */
  addend: Float32Array;
  sum: Float64Array;
}

const ALIGNMENT = 64;

/** Running sums of `lengths` values in one memory, which other programs may write addends into. */
export class RunningSums {
  readonly entries: readonly RunningSum[];
  private readonly simd: KernelExports;

  /** @throws RangeError when there is no such memory */
  constructor(lengths: readonly number[]) {
    const memory = new KernelMemory(lengths.reduce((bytes, n) => bytes + 12 * n + 2 * ALIGNMENT, 0));
    this.simd = instantiate(memory.memory);
    this.entries = lengths.map((n) => ({
      addend: new Float32Array(memory.buffer, memory.allocate(4 * n), n),
      sum: new Float64Array(memory.buffer, memory.allocate(8 * n), n),
    }));
  }

  /** Adds every addend to its sum. */
  add(): void {
    for (const { addend, sum } of this.entries)
      this.simd.addInto(sum.byteOffset, addend.byteOffset, addend.length);
  }
}
