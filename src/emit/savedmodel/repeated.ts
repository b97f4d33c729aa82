import { elementCount } from '../../ir/tensor.js';
import { range } from './builder.js';

/** Elements of a constant, as little-endian bytes, and its sizes. */
export interface Constant {
  dims: readonly number[];
  bytes: Uint8Array;
}

/**
 * What a constant holds once, where the batch makes it longer and nothing else: of two that differ in the size of one
 * axis, all whose indices hold the same, and both the same (the class token of a transformer, a state to begin with).
 */
export function repeated(a: Constant, b: Constant): { dims: number[]; bytes: Uint8Array } | undefined {
  const differing = range(a.dims.length).filter((i) => a.dims[i] !== b.dims[i]);
  if (a.dims.length !== b.dims.length || differing.length !== 1) return undefined;
  const [axis] = differing;
  const [once, other] = [first(a, axis), first(b, axis)];
  if (!once || !other || Buffer.compare(once, other) !== 0) return undefined;
  return { dims: a.dims.map((d, i) => (i === axis ? 1 : d)), bytes: once };
}

/** The bytes at index 0 of an axis, where every other index holds the same. */
function first({ dims, bytes }: Constant, axis: number): Buffer | undefined {
  const outer = elementCount(dims.slice(0, axis));
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const row = bytes.length / outer;
  const part = row / dims[axis];
  const isSame = range(outer * dims[axis]).every((i) => {
    const start = Math.floor(i / dims[axis]) * row;
    return all.compare(all, start, start + part, i * part, (i + 1) * part) === 0;
  });
  return isSame ? Buffer.concat(range(outer).map((i) => all.subarray(i * row, i * row + part))) : undefined;
}
