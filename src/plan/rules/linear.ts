import { floatAttribute, intAttribute } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import { elementCount } from '../../ir/tensor.js';
import type { OperatorRule, Reduction, WeightRule } from './types.js';

const always = () => true;

/** ConvTranspose weights are [Cin, Cout/groups, …]: with groups, one 1-D scale cannot tell channels of two groups apart. */
const convTransposeAxis = (node: Node) =>
  intAttribute(node, 'group', 1) === 1
    ? 1
    : { perLayer: 'a grouped ConvTranspose has no axis that counts its output channels' };

/** A filter is summed over its input channels and kernel positions: one row of values, as im2col lays it out. */
const filterRows = (_: Node, { dims }: Tensor): Reduction =>
  dims.length > 2 && elementCount(dims.slice(2)) > 1
    ? { axis: 1, view: [dims[0], elementCount(dims.slice(1))] }
    : { axis: 1 };

/** Contraction is over the second-last axis of B; its last axis makes the columns of the result. */
const matMulRight = (_: Node, w: Tensor) =>
  w.dims.length >= 2 ? w.dims.length - 1 : { perLayer: 'a vector operand has no channel axis' };

/** Contraction is over the last axis of A; its second-last axis makes the rows of the result. */
const matMulLeft = (_: Node, w: Tensor) =>
  w.dims.length >= 2 ? w.dims.length - 2 : { perLayer: 'a vector operand has no channel axis' };

const matMulRightReduction = (_: Node, w: Tensor) => ({ axis: Math.max(0, w.dims.length - 2) });
const lastAxis = (_: Node, w: Tensor) => ({ axis: w.dims.length - 1 });

/** Y = alpha·A'B' + beta·C: an int32 C needs alpha = beta = 1, or its scale is not that of the accumulator. */
const plainGemm = (node: Node) =>
  floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;

/** Transposing an operand of Gemm swaps its two axes; `transposed` is the axis of channels when it is. */
const gemmOperand = (input: number, flag: string, transposed: 0 | 1): WeightRule => {
  const channels = (node: Node) => (intAttribute(node, flag, 0) ? transposed : 1 - transposed);
  return { input, channelAxis: channels, reduction: (node) => ({ axis: 1 - channels(node) }) };
};

export const LINEAR: readonly OperatorRule[] = [
  {
    ops: ['Conv'],
    kind: 'linear',
    description: 'weights [Cout, Cin/groups, …] per output channel, int32 bias',
    weights: [{ input: 1, channelAxis: () => 0, reduction: filterRows }],
    bias: { input: 2, when: always },
    activations: [0],
    output: 'always',
  },
  {
    ops: ['ConvTranspose'],
    kind: 'linear',
    description:
      'weights [Cin, Cout/groups, …] per output channel (one scale a tensor with groups), int32 bias',
    weights: [{ input: 1, channelAxis: convTransposeAxis, reduction: () => ({ axis: 0 }) }],
    bias: { input: 2, when: always },
    activations: [0],
    output: 'always',
  },
  {
    ops: ['Gemm'],
    kind: 'linear',
    description: 'the constant operand per output channel, int32 bias when alpha = beta = 1',
    weights: [gemmOperand(1, 'transB', 0), gemmOperand(0, 'transA', 1)],
    bias: { input: 2, when: plainGemm },
    activations: [0, 1],
    output: 'wanted',
  },
  {
    ops: ['MatMul'],
    kind: 'linear',
    description: 'a constant on either side per output row or column; two activations otherwise',
    weights: [
      { input: 1, channelAxis: matMulRight, reduction: matMulRightReduction },
      { input: 0, channelAxis: matMulLeft, reduction: lastAxis },
    ],
    activations: [0, 1],
    output: 'wanted',
  },
];
