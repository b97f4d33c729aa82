import { type Dtype, dtypeBits, dtypeName } from '../ir/dtypes.js';
import { allGraphs } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import type { ValueMeta } from '../runtime/types.js';

/** Shapes and element types of a model's values with every free dimension set to a number. */
export interface Shapes {
  /** Undefined when nothing is known of the value. */
  dims(name: string): number[] | undefined;
  dtype(name: string): Dtype | undefined;
  /** Number of elements, 0 when nothing is known. */
  count(name: string): number;
  /** Bits of one element as the file stores it; 32 when nothing is known. */
  bits(name: string): number;
  /** Names of the symbolic dimensions that were taken as 1, "?" for nameless ones. */
  assumed: Set<string>;
}

/** Types of the main graph, and initializers of every graph. Symbolic and unknown dimensions count as 1: batch 1. */
export function shapesOf(model: Model, types: ReadonlyMap<string, ValueMeta>): Shapes {
  const assumed = new Set<string>();
  const known = new Map<string, { dims: number[]; dtype?: Dtype }>();
  for (const [name, meta] of types)
    known.set(name, { dims: meta.dims.map((d) => fixed(d, assumed)), dtype: meta.dtype });
  for (const graph of allGraphs(model.graph))
    for (const t of graph.initializers)
      known.set(t.name ?? '', { dims: t.dims, dtype: dtypeName(t.dataType) });
  const count = (name: string) => elementCount(known.get(name)?.dims ?? [0]);
  return {
    dims: (name) => known.get(name)?.dims,
    dtype: (name) => known.get(name)?.dtype,
    count,
    bits: (name) => dtypeBits(known.get(name)?.dtype ?? 'float32'),
    assumed,
  };
}

function fixed(dim: number | string, assumed: Set<string>): number {
  if (typeof dim === 'number' && dim >= 0) return dim;
  assumed.add(typeof dim === 'string' && dim !== '' ? dim : '?');
  return 1;
}
