import { elementCount } from '../ir/tensor.js';
import type { Feeds, ValueMeta } from '../runtime/types.js';

/** Sizes of symbolic dimensions, read off the first sample. */
export function bindSymbols(inputs: readonly ValueMeta[], feeds: Feeds): Map<string, number> {
  const symbols = new Map<string, number>();
  for (const { name, dims } of inputs)
    dims.forEach((dim, axis) => {
      if (typeof dim === 'string' && dim !== '') symbols.set(dim, feeds[name]?.dims[axis] ?? 1);
    });
  return symbols;
}

/** Whether the size of every dimension follows from the model and the bound symbols. */
export const isSized = ({ dims }: ValueMeta, symbols: Map<string, number>): boolean =>
  dims.every((d) => (typeof d === 'number' ? d >= 0 : symbols.has(d)));

/** Bytes that one value takes; dimensions that nobody knows count as 1. */
export function estimateBytes({ dims, dtype }: ValueMeta, symbols: Map<string, number>): number {
  const sizes = dims.map((d) => (typeof d === 'number' ? Math.max(d, 1) : (symbols.get(d) ?? 1)));
  return elementCount(sizes) * (dtype === 'float64' ? 8 : 4);
}

/** Cuts tensors, in order, into as few groups as keep each within `budget` bytes (a larger tensor is a group alone). */
export function groupBySize(sizes: ReadonlyMap<string, number>, budget: number): string[][] {
  const groups: string[][] = [];
  let left = 0;
  for (const [name, bytes] of sizes) {
    if (groups.length === 0 || bytes > left) {
      groups.push([]);
      left = budget;
    }
    groups.at(-1)!.push(name);
    left -= bytes;
  }
  return groups;
}
