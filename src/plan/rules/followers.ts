import type { OperatorRule } from './types.js';

/** Operators that some chips run in integers between quantized neighbours. */
export const FOLLOWERS: readonly OperatorRule[] = [
  {
    ops: ['Add', 'Sub', 'Mul'],
    kind: 'follower',
    description: 'two activations of their own scales, an output of its own',
  },
  {
    ops: ['AveragePool', 'GlobalAveragePool', 'ReduceMean'],
    kind: 'follower',
    description: 'averages in the accumulator, an output scale of its own',
    activations: [0],
  },
  {
    ops: ['Relu', 'Clip'],
    kind: 'follower',
    description: 'fused behind the operator that feeds it, or a clamp of codes',
    activations: [0],
  },
  {
    ops: ['LeakyRelu', 'PRelu', 'HardSwish'],
    kind: 'follower',
    description: 'a table look-up on codes',
    activations: [0],
  },
  {
    ops: ['Sigmoid', 'Softmax', 'HardSigmoid'],
    kind: 'follower',
    description: 'output range fixed at 0…1',
    activations: [0],
    fixedRange: [0, 1],
  },
  {
    ops: ['Tanh'],
    kind: 'follower',
    description: 'output range fixed at −1…1',
    activations: [0],
    fixedRange: [-1, 1],
  },
];

/** Activations that an integer kernel applies before it rounds: the quantizer goes behind them, the node stays. */
export const FUSED_ACTIVATIONS = ['Relu', 'Clip'] as const;
