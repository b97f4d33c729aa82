import { intAttribute, intsAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import type { Constants } from './types.js';

/** Axis counted from the front. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** From 0 to n − 1. */
export const range = (n: number, from = 0): number[] => Array.from({ length: n - from }, (_, i) => i + from);

/** What two shapes make together, as ONNX broadcasts. */
export function broadcastDims(a: number[], b: number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const at = (dims: number[], i: number) => dims[i - (rank - dims.length)] ?? 1;
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
}

/** Axes come as an attribute or as a constant input; none means all, or nothing to do. */
export function axesOf(
  node: Node,
  c: Pick<Constants, 'initializer' | 'ints' | 'refuse'>,
  rank: number,
): number[] {
  if (node.inputs[1] && !c.initializer(node.inputs[1])) c.refuse('its axes are computed');
  const given = intsAttribute(node, 'axes') ?? c.ints(1) ?? [];
  if (given.length > 0) return given.map((a) => axisOf(a, rank)).sort((a, b) => a - b);
  return intAttribute(node, 'noop_with_empty_axes', 0) === 1 ? [] : range(rank);
}
