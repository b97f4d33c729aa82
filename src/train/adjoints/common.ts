import { intValues } from '../../ir/tensor.js';
import type { Builder } from '../builder.js';
import type { Step } from './types.js';

export { elementCount as product } from '../../ir/tensor.js';
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
export const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** The gradient by the only output. */
export const gradientOf = ({ gradients }: Step): string => gradients[0]!;

/** Integers that input `i` holds; undefined where it is absent. */
export function ints({ node, constant }: Pick<Step, 'node' | 'constant'>, i: number): number[] | undefined {
  const tensor = constant(node.inputs[i] ?? '');
  return tensor && intValues(tensor);
}

/** Refuses a node some of whose inputs (where there are any) are not known before the run. */
export const needsConstants =
  (...inputs: number[]) =>
  ({ node, constant }: Pick<Step, 'node' | 'constant'>): string | undefined => {
    const open = inputs.find((i) => node.inputs[i] && !constant(node.inputs[i]));
    return open === undefined ? undefined : `its input "${node.inputs[open]}" is not constant`;
  };

/** The gradient of a value that was broadcast from `to` to `from`: summed over what was repeated. */
export function unbroadcast(
  b: Builder,
  gradient: string,
  from: readonly number[],
  to: readonly number[],
): string {
  if (same(from, to)) return gradient;
  const lead = from.length - to.length;
  const axes = range(from.length).filter((i) => i < lead || (to[i - lead] === 1 && from[i] !== 1));
  const summed = b.sum(gradient, axes);
  return lead === 0 ? summed : b.reshape(summed, to);
}

/** Sizes of what broadcasting several values makes. */
export function broadcast(...all: (readonly number[])[]): number[] {
  const rank = Math.max(...all.map((d) => d.length));
  return range(rank).map((i) => {
    const sizes = all.map((d) => d[i - rank + d.length] ?? 1);
    return sizes.find((s) => s !== 1) ?? 1;
  });
}
