import type { BlockShape, ChannelParams, Codes } from '../../kernels/quantize.js';
import type { BiasPlan, WeightPlan } from '../plan/types.js';

/** Codes and grid of one weight: values = dequantize(codes, shape, params, elementOf(plan.format)). */
export interface QuantizedWeight {
  plan: WeightPlan;
  /** Of the constant; the codes are in the same order. */
  dims: number[];
  codes: Codes;
  /** How codes share the scales of `params`, over `plan.view` or the dims. */
  shape: BlockShape;
  params: ChannelParams;
  /** Of a sparse weight: 1 for each value that was kept. */
  mask?: Uint8Array;
}

/** int32 bias; `scale` has one entry or one a channel. */
export interface QuantizedBias {
  plan: BiasPlan;
  codes: Int32Array;
  scale: Float32Array;
}

export interface Numbers {
  weights: QuantizedWeight[];
  biases: QuantizedBias[];
}
