import type { Dtype } from '../ir/dtypes.js';
import { elementCount } from '../ir/tensor.js';
import type { Feeds, TensorValue, TypedArray } from '../runtime/types.js';

/** One value of many samples, in one array. */
export class Rows {
  private readonly size: number;

  private constructor(
    private readonly dtype: Dtype,
    /** Of one sample, the batch axis left out. */
    private readonly dims: number[],
    readonly data: TypedArray,
  ) {
    this.size = elementCount(dims);
  }

  /** Room for `count` samples of values like this batch. */
  static like({ dtype, dims, data }: TensorValue, count: number): Rows {
    const [, ...one] = dims;
    const make = data.constructor as Float32ArrayConstructor;
    return new Rows(dtype, one, new make(count * elementCount(one)));
  }

  /** The rows of these samples as one batch. */
  take(numbers: readonly number[]): TensorValue {
    const { size } = this;
    const all = this.data as Float32Array;
    const data = new (all.constructor as Float32ArrayConstructor)(numbers.length * size);
    numbers.forEach((n, i) => {
      data.set(all.subarray(n * size, (n + 1) * size), i * size);
    });
    return { dtype: this.dtype, dims: [numbers.length, ...this.dims], data };
  }

  put(numbers: readonly number[], { data }: TensorValue): void {
    const { size } = this;
    numbers.forEach((n, i) => {
      (this.data as Float32Array).set((data as Float32Array).subarray(i * size, (i + 1) * size), n * size);
    });
  }
}

/** Rows by the name of the value. */
export type Table = Record<string, Rows>;

export const rowsOf = (table: Table, numbers: readonly number[]): Feeds =>
  Object.fromEntries(Object.entries(table).map(([name, rows]) => [name, rows.take(numbers)]));

/** Puts a batch into the table, which grows by values that it does not have yet; `count` samples in all. */
export function store(table: Table, numbers: readonly number[], values: Feeds, count: number): void {
  for (const [name, value] of Object.entries(values)) {
    table[name] ??= Rows.like(value, count);
    table[name].put(numbers, value);
  }
}

/** Sample numbers in batches of one size; what fills the last one up comes again. */
export const batchesOf = (numbers: readonly number[], batch: number): number[][] =>
  Array.from({ length: Math.ceil(numbers.length / batch) }, (_, i) =>
    Array.from({ length: batch }, (_, j) => numbers[(i * batch + j) % numbers.length]),
  );
