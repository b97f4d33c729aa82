import { floatAttribute, intAttribute } from '../../ir/graph.js';
import type { Node, Tensor } from '../../ir/model.js';
import type { OperatorRule } from './types.js';

const always = () => true;

/** ConvTranspose weights are [Cin, Cout/groups, …]: with groups, one 1-D scale cannot tell channels of two groups apart. */
const convTransposeAxis = (node: Node) =>
  intAttribute(node, 'group', 1) === 1
    ? 1
    : { perLayer: 'a grouped ConvTranspose has no axis that counts its output channels' };

/** Contraction is over the second-last axis of B; its last axis makes the columns of the result. */
const matMulRight = (_: Node, w: Tensor) =>
  w.dims.length >= 2 ? w.dims.length - 1 : { perLayer: 'a vector operand has no channel axis' };

/** Contraction is over the last axis of A; its second-last axis makes the rows of the result. */
const matMulLeft = (_: Node, w: Tensor) =>
  w.dims.length >= 2 ? w.dims.length - 2 : { perLayer: 'a vector operand has no channel axis' };

/** Y = alpha·A'B' + beta·C: an int32 C needs alpha = beta = 1, or its scale is not that of the accumulator. */
const plainGemm = (node: Node) =>
  floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;

export const LINEAR: readonly OperatorRule[] = [
  {
    ops: ['Conv'],
    kind: 'linear',
    description: 'weights [Cout, Cin/groups, …] per output channel, int32 bias',
    weights: [{ input: 1, channelAxis: () => 0 }],
    bias: { input: 2, when: always },
    activations: [0],
    output: 'always',
  },
  {
    ops: ['ConvTranspose'],
    kind: 'linear',
    description:
      'weights [Cin, Cout/groups, …] per output channel (one scale a tensor with groups), int32 bias',
    weights: [{ input: 1, channelAxis: convTransposeAxis }],
    bias: { input: 2, when: always },
    activations: [0],
    output: 'always',
  },
  {
    ops: ['Gemm'],
    kind: 'linear',
    description: 'the constant operand per output channel, int32 bias when alpha = beta = 1',
    weights: [
      { input: 1, channelAxis: (node) => (intAttribute(node, 'transB', 0) ? 0 : 1) },
      { input: 0, channelAxis: (node) => (intAttribute(node, 'transA', 0) ? 1 : 0) },
    ],
    bias: { input: 2, when: plainGemm },
    activations: [0, 1],
    output: 'wanted',
  },
  {
    ops: ['MatMul'],
    kind: 'linear',
    description: 'a constant on either side per output row or column; two activations otherwise',
    weights: [
      { input: 1, channelAxis: matMulRight },
      { input: 0, channelAxis: matMulLeft },
    ],
    activations: [0, 1],
    output: 'wanted',
  },
];
