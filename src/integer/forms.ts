import { intAttribute, normalDomain, stringAttribute } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import { averageBound, averaged, averagePool, fitsAverage, globalAverage } from './averages.js';
import { add, clamp, multiply, multiplyBound } from './elementwise.js';
import { conv, convBound, fitsConv, fitsProduct, product, productBound } from './linear.js';
import type { Form, OperandRef } from './types.js';

const first = () => [0];
const both = () => [0, 1];
const all = (node: Node) => node.inputs.map((_, i) => i);
const one = () => 1;

const perTensor = (_: Node, operands: readonly OperandRef[]): boolean =>
  operands.every(({ grid }) => grid.scales.length === 1);

/** Operands on one and the same grid: their codes can be mixed. */
const sameGrid = (node: Node, operands: readonly OperandRef[]): boolean => {
  const [{ grid }] = operands;
  const same = (o: OperandRef) =>
    o.grid.scales[0] === grid.scales[0] && o.grid.zeroPoints[0] === grid.zeroPoints[0];
  return perTensor(node, operands) && operands.every(same);
};

/**
 * The operators that have an integer form. Whatever is not here, or does not fit, computes in float on dequantized
 * values. To add one: an entry, and its arithmetic where it has some.
 */
export const FORMS: readonly Form[] = [
  {
    ops: ['Conv'],
    data: both,
    bias: 2,
    fits: fitsConv,
    floats: true,
    evaluate: conv,
    bound: convBound,
    depth: (_, [, w]) => elementCount(w.dims.slice(1)),
  },
  {
    ops: ['Gemm', 'MatMul'],
    data: both,
    bias: 2,
    fits: fitsProduct,
    floats: true,
    evaluate: product,
    bound: productBound,
    depth: ({ node }, [a]) => a.dims.at(intAttribute(node, 'transA', 0) ? -2 : -1) ?? 1,
  },
  { ops: ['Add'], data: both, fits: perTensor, evaluate: add, depth: () => 2 },
  { ops: ['Mul'], data: both, fits: perTensor, evaluate: multiply, bound: multiplyBound, depth: one },
  { ops: ['Relu', 'Clip'], data: first, fits: perTensor, evaluate: clamp, depth: one },
  {
    ops: ['AveragePool'],
    data: first,
    fits: (node, operands) => perTensor(node, operands) && fitsAverage(node),
    evaluate: averagePool,
    bound: averageBound,
    depth: averaged,
  },
  {
    ops: ['GlobalAveragePool'],
    data: first,
    fits: perTensor,
    evaluate: globalAverage,
    bound: averageBound,
    depth: averaged,
  },
  { ops: ['Concat'], data: all, fits: sameGrid, depth: one },
  {
    ops: ['Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Slice', 'Split', 'Expand', 'Tile']
      .concat(['Identity', 'Gather', 'GatherElements', 'GatherND', 'DepthToSpace', 'SpaceToDepth'])
      .concat(['MaxPool', 'GlobalMaxPool']),
    data: first,
    fits: perTensor,
    depth: one,
  },
  {
    ops: ['Pad'],
    data: first,
    // Codes less their zero point travel, so that the zeros of a constant pad are zeros.
    fits: (node, operands) => perTensor(node, operands) && !node.inputs[2],
    depth: one,
  },
  {
    ops: ['Resize'],
    data: first,
    fits: (node, operands) =>
      perTensor(node, operands) && stringAttribute(node, 'mode', 'nearest') === 'nearest',
    depth: one,
  },
];

const byOp = new Map(FORMS.flatMap((form) => form.ops.map((op) => [op, form] as const)));

export const formOf = (node: Node): Form | undefined =>
  normalDomain(node.domain) === '' ? byOp.get(node.opType) : undefined;
