import { intAttribute, isOp } from '../ir/graph.js';
import type { Node, Tensor } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import type { Grid, Scope, Subject } from './subject.js';

/** A product: what it multiplies, each side with the DQ behind it where there is one. */
export interface Product {
  node: Node;
  label: string;
  scope: Scope;
  /** Input 0 and 1. */
  sides: { name: string; dq?: Grid; fixed: boolean }[];
  /** Input 2, where there is one. */
  bias?: { name: string; dq?: Grid };
}

export const PRODUCTS = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'] as const;

export function* products(subject: Subject): Generator<Product> {
  for (const scope of subject.scopes)
    for (const node of scope.graph.nodes) {
      if (!isOp(node, ...PRODUCTS)) continue;
      const sides = node.inputs.slice(0, 2).map((name) => ({
        name,
        dq: scope.dequantizedBy(name),
        fixed: scope.isFixed(name),
      }));
      const third = node.inputs[2];
      yield {
        node,
        label: node.name || node.outputs[0],
        scope,
        sides,
        ...(third && { bias: { name: third, dq: scope.dequantizedBy(third) } }),
      };
    }
}

/** The DQ of the constant side, and of the side that is fed. */
export const weightOf = ({ sides }: Product): Grid | undefined => sides.find((s) => s.fixed && s.dq)?.dq;
export const activationOf = ({ sides }: Product): Grid | undefined => sides.find((s) => !s.fixed && s.dq)?.dq;

export const isAttention = ({ node, sides }: Product): boolean =>
  isOp(node, 'MatMul') && sides.every((side) => !side.fixed);

/** Axis of a constant operand that counts output channels; undefined where it has none. */
export function channelAxis({ node, sides }: Product, weight: Tensor): number | undefined {
  if (isOp(node, 'Conv')) return 0;
  if (isOp(node, 'ConvTranspose')) return intAttribute(node, 'group', 1) === 1 ? 1 : undefined;
  const left = sides[0].fixed;
  if (isOp(node, 'Gemm')) {
    const transposed = intAttribute(node, left ? 'transA' : 'transB', 0) === 1;
    return left === transposed ? 1 : 0;
  }
  const rank = weight.dims.length;
  return rank < 2 ? undefined : left ? rank - 2 : rank - 1;
}

/** Facts of a convolution's filter. */
export function filterOf({ node, scope, sides }: Product) {
  const dims = sides[1]?.dq?.constant?.dims ?? scope.constants.get(node.inputs[1])?.dims;
  if (!isOp(node, 'Conv') || !dims || dims.length < 3) return undefined;
  return {
    outputs: dims[0],
    inputs: dims[1],
    taps: elementCount(dims.slice(2)),
    groups: intAttribute(node, 'group', 1),
  };
}
