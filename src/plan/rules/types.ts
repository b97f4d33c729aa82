import type { Node, Tensor } from '../../ir/model.js';

/** Where an operator's constant operand can be a weight, and which of its axes count output channels and products. */
export interface WeightRule {
  input: number;
  /** Channel axis of this constant, or why there is none (then one scale serves the tensor). */
  channelAxis(node: Node, tensor: Tensor): number | { perLayer: string };
  /** Axis along which products are summed: the one that blocks run along. */
  reduction(node: Node, tensor: Tensor): Reduction;
}

export interface Reduction {
  axis: number;
  /** Dims of the same values, in the same order, that `axis` speaks of; absent: the tensor's own. */
  view?: number[];
}

/**
 * What quantization means for an operator.
 * - `linear`: multiplies weights; its activations are quantized, and that is where speed comes from.
 * - `follower`: computes in integers when its inputs are quantized already and someone reads its output as integers.
 * - `sameScale`: moves values without changing them; its outputs keep the scale of its inputs.
 * - `weightOnly`: its weights are stored quantized, its arithmetic stays float.
 */
export interface OperatorRule {
  ops: readonly string[];
  kind: 'linear' | 'follower' | 'sameScale' | 'weightOnly';
  description: string;
  weights?: readonly WeightRule[];
  /** Input that is added to the accumulator; int32 when input and weight are quantized. */
  bias?: { input: number; when(node: Node): boolean };
  /** Inputs that carry activations; default: every input that is not a weight or bias. */
  activations?: readonly number[];
  /** `always`: quantized too where the chip's kernels write integers only; `wanted`: only if someone reads integers. */
  output?: 'always' | 'wanted';
  /** Output range known without data. */
  fixedRange?: readonly [number, number];
  /** Extra condition on a node; the string says why it stays float. */
  unless?(node: Node): string | undefined;
}
