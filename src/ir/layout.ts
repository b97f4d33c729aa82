import { intAttribute, isOp } from './graph.js';
import type { Node } from './model.js';
import { elementCount } from './tensor.js';

/**
 * How the constant weight (input 1) of a linear operator is laid out. Output channel o = g·outputs + a and input channel
 * i = g·inputs + b of group g meet at elements g·groupStride + a·outputStride + b·inputStride + 0 … kernel − 1.
 */
export interface LinearLayout {
  groups: number;
  /** Output and input channels of one group. */
  outputs: number;
  inputs: number;
  /** Kernel positions, contiguous. */
  kernel: number;
  groupStride: number;
  outputStride: number;
  inputStride: number;
}

type Dims = readonly number[];
/** [Cout, Cin/groups, …] */
function conv(node: Node, dims: Dims): LinearLayout {
  const groups = intAttribute(node, 'group', 1);
  const kernel = elementCount(dims.slice(2));
  const outputs = dims[0] / groups;
  const inputs = dims[1];
  const strides = { groupStride: outputs * inputs * kernel, outputStride: inputs * kernel };
  return { groups, outputs, inputs, kernel, ...strides, inputStride: kernel };
}

/** [Cin, Cout/groups, …] */
function convTranspose(node: Node, dims: Dims): LinearLayout {
  const groups = intAttribute(node, 'group', 1);
  const kernel = elementCount(dims.slice(2));
  const outputs = dims[1];
  const inputs = dims[0] / groups;
  const strides = { groupStride: outputs * inputs * kernel, inputStride: outputs * kernel };
  return { groups, outputs, inputs, kernel, ...strides, outputStride: kernel };
}

function matrix([inputs, outputs]: Dims, transposed: boolean): LinearLayout {
  const one = { groups: 1, kernel: 1, groupStride: inputs * outputs };
  return transposed
    ? { ...one, outputs: inputs, inputs: outputs, outputStride: outputs, inputStride: 1 }
    : { ...one, outputs, inputs, outputStride: 1, inputStride: outputs };
}

/** Layout of the constant that `node` reads as input 1; undefined for operators and ranks without this form. */
export function linearLayout(node: Node, dims: Dims): LinearLayout | undefined {
  if (isOp(node, 'Conv')) return dims.length >= 3 ? conv(node, dims) : undefined;
  if (isOp(node, 'ConvTranspose')) return dims.length >= 3 ? convTranspose(node, dims) : undefined;
  if (dims.length !== 2) return undefined;
  if (isOp(node, 'Gemm')) return matrix(dims, intAttribute(node, 'transB', 0) === 1);
  return isOp(node, 'MatMul') ? matrix(dims, false) : undefined;
}
