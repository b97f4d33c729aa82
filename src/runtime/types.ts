import type { Dtype } from '../ir/dtypes.js';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** One dense value going into or coming out of a run. float16 travels as its bits in a Uint16Array; bool as Uint8Array. */
export interface TensorValue {
  dtype: Dtype;
  dims: number[];
  data: TypedArray | string[];
}

export type Feeds = Record<string, TensorValue>;

/** What onnxruntime says of an input or output. `dims`: a number, a symbol, or -1 when nothing is known. */
export interface ValueMeta {
  name: string;
  /** Absent for sequence, map and optional values. */
  dtype?: Dtype;
  dims: (number | string)[];
}

export interface SessionOptions {
  /** `all` runs every graph optimisation, `disabled` none. Default `all`. */
  optimize?: 'all' | 'extended' | 'basic' | 'disabled';
  /** Threads inside one operator; default: onnxruntime's choice (the physical cores). */
  threads?: number;
  /** Give memory back between operators instead of keeping one plan of it: slower by little, smaller by a third. */
  lean?: boolean;
  /** Keep Q/DQ pairs as float simulation instead of fusing them to integer operators. */
  keepQdq?: boolean;
  /** File to write the model to, as it is after optimisation, in onnxruntime's own format. */
  saveOrt?: string;
}

export interface Session {
  inputs: ValueMeta[];
  outputs: ValueMeta[];
  /**
   * @param fetches outputs wanted (all by default); a Float32Array as value makes onnxruntime write straight into it.
   * @throws QuantizeError RUN_FAILED (invalid) with onnxruntime's own message
   */
  run(feeds: Feeds, fetches?: Record<string, TensorValue | null>): Promise<Record<string, TensorValue>>;
  release(): Promise<void>;
}
