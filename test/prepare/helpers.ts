import { expect } from 'vitest';
import { uniform } from '../../kernels/random.js';
import { cloneModel } from '../../src/ir/graph.js';
import type { FunctionDef, Graph, Model, Node, Tensor, ValueInfo } from '../../src/ir/model.js';
import { elementCount, floatTensor } from '../../src/ir/tensor.js';
import type { Pass } from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds, TensorValue, ValueMeta } from '../../src/runtime/types.js';

/** Uniform in [-1, 1), the same on every machine. */
export function seeded(seed: number): () => number {
  const next = uniform(seed);
  return () => 2 * next() - 1;
}

export function random(name: string, dims: number[], seed = 1, shift = 0): Tensor {
  const next = seeded(seed + name.length + name.charCodeAt(0));
  return floatTensor(
    name,
    dims,
    Array.from({ length: elementCount(dims) }, () => next() + shift),
  );
}

export const value = (name: string, dims: (number | string)[] | undefined, elemType = 1): ValueInfo => ({
  name,
  type: {
    tensor: {
      elemType,
      shape: dims && { dims: dims.map((d) => (typeof d === 'number' ? { value: d } : { param: d })) },
    },
  },
});

export const graph = (parts: Partial<Graph> & { nodes: Node[] }): Graph => ({
  name: 'g',
  inputs: [],
  outputs: [],
  valueInfo: [],
  initializers: [],
  sparseInitializers: [],
  ...parts,
});

export const model = (
  parts: Partial<Graph> & { nodes: Node[] },
  extra: { opset?: number; irVersion?: number; functions?: FunctionDef[] } = {},
): Model => ({
  irVersion: extra.irVersion ?? 8,
  opsetImports: [{ domain: '', version: extra.opset ?? 13 }],
  metadata: [],
  functions: extra.functions ?? [],
  graph: graph(parts),
});

/** A seeded value for each input; an open dim becomes 2. */
export function feedsFor(inputs: ValueMeta[], open = 2): Feeds {
  const next = seeded(7);
  return Object.fromEntries(
    inputs.map(({ name, dims, dtype }) => {
      const fixed = dims.map((d) => (typeof d === 'number' && d >= 0 ? d : open));
      const data = Array.from({ length: elementCount(fixed) }, next);
      return [name, { dtype: dtype!, dims: fixed, data: typed(dtype!, data) } as TensorValue];
    }),
  );
}

function typed(dtype: string, data: number[]): TensorValue['data'] {
  if (dtype === 'int64') return BigInt64Array.from(data, (v) => BigInt(Math.floor((v + 1) * 3)));
  if (dtype === 'int32') return Int32Array.from(data, (v) => Math.floor((v + 1) * 3));
  if (dtype === 'bool') return Uint8Array.from(data, (v) => Number(v > 0));
  return Float32Array.from(data);
}

export async function run(m: Model, feeds?: Feeds): Promise<Record<string, TensorValue>> {
  const session = await openModel(m, { optimize: 'disabled', threads: 1 });
  try {
    return await session.run(feeds ?? feedsFor(session.inputs));
  } finally {
    await session.release();
  }
}

/** Largest |a − b| over the largest |a|, over all outputs; NaN where shapes, names or NaN places differ. */
export function relativeError(a: Record<string, TensorValue>, b: Record<string, TensorValue>): number {
  if (Object.keys(a).join() !== Object.keys(b).join()) return Number.NaN;
  return Math.max(0, ...Object.keys(a).map((name) => difference(a[name], b[name])));
}

function difference(a: TensorValue, b: TensorValue): number {
  if (a.dims.join() !== b.dims.join() || a.dtype !== b.dtype) return Number.NaN;
  let peak = 0;
  let worst = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [Number(a.data[i]), Number(b.data[i])];
    if (Object.is(x, y)) continue;
    worst = Math.max(worst, Math.abs(x - y));
  }
  for (const x of a.data) peak = Math.max(peak, Math.abs(Number(x)));
  return worst === 0 ? 0 : worst / peak;
}

export interface PassCase {
  name: string;
  model: () => Model;
  changes: number;
  /** Operator types left in the main graph, in order. */
  ops?: string[];
  /** Largest relative difference of outputs; 0 = the same bits. */
  tolerance?: number;
  diagnostics?: string[];
  check?: (after: Model) => void;
}

/** The pass changes what it should, keeps what the model computes, leaves its input alone, and finds no more to do. */
export async function checkPass(pass: Pass, c: PassCase): Promise<void> {
  const before = c.model();
  const after = cloneModel(before);
  const result = await pass.run(after, {});
  expect(result.changes, 'changes').toBe(c.changes);
  if (c.ops) expect(after.graph.nodes.map((n) => n.opType)).toEqual(c.ops);
  expect((result.diagnostics ?? []).map((d) => d.code)).toEqual(c.diagnostics ?? []);
  c.check?.(after);
  expect(relativeError(await run(c.model()), await run(after))).toBeLessThanOrEqual(c.tolerance ?? 0);
  expect((await pass.run(after, {})).changes, 'changes of a second run').toBe(0);
}
