import { attribute, intAttribute, intsAttribute, isOp, stringAttribute } from '../../ir/graph.js';
import type { Node } from '../../ir/model.js';
import { elementCount } from '../../ir/tensor.js';

/**
 * A weight as matrices: y = W_g·x for each group g, W_g rows × columns. Element (g, r, j) lies at
 * g·groupStride + r·rowStride + j·columnStride of the tensor.
 */
export interface LinearForm {
  groups: number;
  rows: number;
  columns: number;
  groupStride: number;
  rowStride: number;
  columnStride: number;
  /** The input of the node that carries the activation. */
  activation: number;
  /** How the vectors x lie in the activation. */
  unfold: Unfold;
}

export type Unfold =
  /** x is what a kernel sees at one position: [channels of the group, …kernel]. */
  | {
      kind: 'window';
      groups: number;
      kernel: number[];
      strides: number[];
      dilations: number[];
      pads: number[];
    }
  /** x runs along the last axis. */
  | { kind: 'last' }
  /** x runs along the second-last axis. */
  | { kind: 'secondLast' };

/**
 * The form of the weight of dims `dims` that `node` reads as `input`; undefined for operators that multiply no matrix
 * with an activation, for products of more than two axes and for padding that is worked out at run time.
 */
export function linearForm(node: Node, input: number, dims: readonly number[]): LinearForm | undefined {
  if (isOp(node, 'Conv')) return convolution(node, dims);
  if (isOp(node, 'ConvTranspose')) return transposed(node, dims);
  if (isOp(node, 'Gemm')) return gemm(node, input, dims);
  if (isOp(node, 'MatMul')) return matMul(input, dims);
  return undefined;
}

function convolution(node: Node, dims: readonly number[]): LinearForm | undefined {
  const kernel = dims.slice(2);
  const pad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (pad !== 'NOTSET' && pad !== 'VALID') return undefined;
  const groups = intAttribute(node, 'group', 1);
  const columns = elementCount(dims.slice(1));
  const rows = dims[0] / groups;
  const ones = kernel.map(() => 1);
  return {
    activation: 0,
    ...{ groups, rows, columns, groupStride: rows * columns, rowStride: columns, columnStride: 1 },
    unfold: {
      kind: 'window',
      groups,
      kernel,
      strides: intsAttribute(node, 'strides') ?? ones,
      dilations: intsAttribute(node, 'dilations') ?? ones,
      pads: (pad === 'NOTSET' && intsAttribute(node, 'pads')) || [...ones, ...ones].fill(0),
    },
  };
}

/**
 * Every position of the input spreads W·x over the output; where strides are smaller than the kernel the spreads of
 * neighbours overlap and add up, which this form does not see.
 */
function transposed(node: Node, dims: readonly number[]): LinearForm {
  const groups = intAttribute(node, 'group', 1);
  const rows = elementCount(dims.slice(1));
  const columns = dims[0] / groups;
  const ones = dims.slice(2).map(() => 1);
  const unfold: Unfold = {
    ...{ kind: 'window', groups, kernel: ones, strides: ones, dilations: ones },
    pads: [...ones, ...ones].fill(0),
  };
  const strides = { groupStride: rows * columns, rowStride: 1, columnStride: rows };
  return { activation: 0, groups, rows, columns, ...strides, unfold };
}

function gemm(node: Node, input: number, dims: readonly number[]): LinearForm {
  const flipped = attribute(node, input === 1 ? 'transB' : 'transA')?.i === 1n;
  const other = attribute(node, input === 1 ? 'transA' : 'transB')?.i === 1n;
  // As right operand B is [in, out], as left one A is [out, in].
  const columnsFirst = (input === 1) !== flipped;
  const along = (input === 1) !== other ? 'last' : 'secondLast';
  return { activation: 1 - input, ...matrix(dims, columnsFirst), unfold: { kind: along } };
}

function matMul(input: number, dims: readonly number[]): LinearForm | undefined {
  if (dims.length !== 2) return undefined;
  const unfold: Unfold = { kind: input === 1 ? 'last' : 'secondLast' };
  return { activation: 1 - input, ...matrix(dims, input === 1), unfold };
}

function matrix(
  [first, second]: readonly number[],
  columnsFirst: boolean,
): Omit<LinearForm, 'unfold' | 'activation'> {
  return columnsFirst
    ? { groups: 1, rows: second, columns: first, groupStride: 0, rowStride: 1, columnStride: second }
    : { groups: 1, rows: first, columns: second, groupStride: 0, rowStride: second, columnStride: 1 };
}
