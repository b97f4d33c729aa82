import { expect } from 'vitest';
import { uniform } from '../../../kernels/random.js';
import type { Dtype } from '../../../src/ir/dtypes.js';
import { dtypeNumber } from '../../../src/ir/dtypes.js';
import { makeAttribute, makeNode } from '../../../src/ir/graph.js';
import type { Attribute, Graph, Model, Node, ValueInfo } from '../../../src/ir/model.js';
import { elementCount, makeTensor } from '../../../src/ir/tensor.js';
import { encodeModel } from '../../../src/onnx/index.js';
import { openSession } from '../../../src/runtime/index.js';
import type { TensorValue, TypedArray } from '../../../src/runtime/types.js';

/** A small model: what its nodes are, what it is fed, and what else it holds. */
export interface Case {
  name: string;
  opset: number;
  nodes: Node[];
  inputs: Record<string, TensorValue>;
  constants?: Record<string, TensorValue>;
  outputs?: string[];
  /** Element types of outputs other than float32. */
  types?: Record<string, Dtype>;
  /** Relative bound, and why it is not zero. */
  tolerance?: { bound: number; from: number; why: string };
  /** The highest target that onnxruntime has kernels for; 25 when absent. */
  upTo?: number;
  /** The lowest target that the upgrade supports; any when absent. */
  downTo?: number;
}

type Given = number | string | number[] | bigint[] | { float: number } | { floats: number[] } | Graph;

export const float = (value: number) => ({ float: value });
export const floats = (...values: number[]) => ({ floats: values });

function toAttribute(name: string, value: Given): Attribute {
  if (typeof value === 'number') return makeAttribute.int(name, value);
  if (typeof value === 'string') return makeAttribute.string(name, value);
  if (Array.isArray(value)) return { ...makeAttribute.ints(name, []), ints: value.map(BigInt) };
  if ('float' in value) return makeAttribute.float(name, value.float);
  if ('floats' in value) return makeAttribute.floats(name, value.floats);
  return makeAttribute.graph(name, value);
}

/** `node('Add', 'a b', 'sum')`; "_" is an omitted input. */
export const node = (
  op: string,
  inputs: string,
  outputs: string,
  attributes: Record<string, Given> = {},
): Node =>
  makeNode(
    op,
    inputs.split(' ').flatMap((s) => (s === '' ? [] : s === '_' ? [''] : [s])),
    outputs.split(' '),
    Object.entries(attributes).map(([name, value]) => toAttribute(name, value)),
  );

export const valueInfo = (name: string, dtype: Dtype = 'float32', dims?: number[]): ValueInfo => ({
  name,
  type: {
    tensor: {
      elemType: dtypeNumber(dtype),
      shape: dims && { dims: dims.map((value) => ({ value })) },
    },
  },
});

export const graph = (nodes: Node[], inputs: ValueInfo[], outputs: ValueInfo[]): Graph => ({
  name: 'body',
  nodes,
  inputs,
  outputs,
  valueInfo: [],
  initializers: [],
  sparseInitializers: [],
});

const ARRAYS: Partial<Record<Dtype, new (values: number[]) => TypedArray>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
};

export const tensor = (dims: number[], values: number[], dtype: Dtype = 'float32'): TensorValue => ({
  dtype,
  dims,
  data: dtype === 'int64' ? BigInt64Array.from(values.map(BigInt)) : new ARRAYS[dtype]!(values),
});

export const int64s = (...values: number[]): TensorValue => tensor([values.length], values, 'int64');

/** Codes of int8, all over its range. */
export const codes = (...dims: number[]): TensorValue =>
  tensor(
    dims,
    Array.from({ length: elementCount(dims) }, (_, i) => ((i * 37) % 255) - 127),
    'int8',
  );

/** Values in (-3, 3) from a fixed seed, no two alike. */
export function random(...dims: number[]): TensorValue {
  const next = uniform(12345);
  return tensor(
    dims,
    Array.from({ length: elementCount(dims) }, () => 6 * next() - 3),
  );
}

export function buildModel(spec: Case): Model {
  const last = spec.nodes[spec.nodes.length - 1];
  const outputs = spec.outputs ?? last.outputs.filter(Boolean);
  return {
    irVersion: 8,
    opsetImports: [{ domain: '', version: spec.opset }],
    metadata: [],
    functions: [],
    graph: {
      name: 'case',
      nodes: spec.nodes,
      inputs: Object.entries(spec.inputs).map(([name, v]) => valueInfo(name, v.dtype, v.dims)),
      outputs: outputs.map((name) => valueInfo(name, spec.types?.[name])),
      valueInfo: [],
      initializers: Object.entries(spec.constants ?? {}).map(([name, v]) =>
        makeTensor(name, v.dtype, v.dims, v.data as TypedArray),
      ),
      sparseInitializers: [],
    },
  };
}

/** Every output, computed node by node as the file says. */
export async function run(
  model: Model,
  feeds: Record<string, TensorValue>,
  optimize: 'disabled' | 'all' = 'disabled',
): Promise<Record<string, TensorValue>> {
  const session = await openSession(encodeModel(model), { threads: 1, optimize });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

const bytes = (v: TensorValue): Uint8Array => {
  const data = v.data as TypedArray;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
};

/** The greatest |a - b| / max|a|; 0 when every bit agrees, Infinity when shapes, types or NaNs differ. */
export function distance(a: TensorValue, b: TensorValue): number {
  if (a.dtype !== b.dtype || a.dims.join() !== b.dims.join()) return Number.POSITIVE_INFINITY;
  if (a.dtype === 'string') return String(a.data) === String(b.data) ? 0 : Number.POSITIVE_INFINITY;
  if (Buffer.compare(bytes(a), bytes(b)) === 0) return 0;
  if (a.dtype !== 'float32' && a.dtype !== 'float64') return Number.POSITIVE_INFINITY;
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  let largest = 0;
  let gap = 0;
  for (let i = 0; i < x.length; i++) {
    if (Object.is(x[i], y[i]) || x[i] === y[i]) continue;
    gap = Math.max(gap, Math.abs(x[i] - y[i]));
    if (Number.isNaN(x[i] - y[i])) return Number.POSITIVE_INFINITY;
  }
  for (const v of x) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
  return gap / (largest || 1);
}

/** Fails unless both runs gave the same outputs, bit for bit or within `bound`. */
export function expectSame(
  before: Record<string, TensorValue>,
  after: Record<string, TensorValue>,
  bound = 0,
): void {
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const name of Object.keys(before))
    expect(distance(before[name], after[name]), `output ${name}`).toBeLessThanOrEqual(bound);
}
