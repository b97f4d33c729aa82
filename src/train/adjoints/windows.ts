import { intsAttribute, stringAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { range } from './common.js';

/** How a window slides over the spatial axes, padding worked out. */
export interface Windows {
  kernel: number[];
  strides: number[];
  dilations: number[];
  /** Zeros before and after each axis. */
  before: number[];
  after: number[];
}

/** Sizes of a convolution's input, filters and output. */
export interface Sizes {
  x: number[];
  w: number[];
  y: number[];
}

/** From one end of a window to the other. */
export const extent = ({ kernel, dilations }: Windows, axis: number): number =>
  dilations[axis] * (kernel[axis] - 1) + 1;

/** The windows of Conv and pools, from the sizes [N, C, …] that go in and come out. */
export function windowsOf(node: Node, kernel: number[], from: number[], to: number[]): Windows {
  const axes = range(kernel.length);
  const strides = intsAttribute(node, 'strides') ?? axes.map(() => 1);
  const dilations = intsAttribute(node, 'dilations') ?? axes.map(() => 1);
  const shape = { kernel, strides, dilations };
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (auto === 'NOTSET') {
    const pads = intsAttribute(node, 'pads') ?? axes.flatMap(() => [0, 0]);
    return { ...shape, before: pads.slice(0, kernel.length), after: pads.slice(kernel.length) };
  }
  const total = (i: number) =>
    auto === 'VALID'
      ? 0
      : Math.max(0, (to[i + 2] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - from[i + 2]);
  const first = (i: number) => (auto === 'SAME_LOWER' ? Math.ceil(total(i) / 2) : Math.floor(total(i) / 2));
  return { ...shape, before: axes.map(first), after: axes.map((i) => total(i) - first(i)) };
}
