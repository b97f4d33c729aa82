import type { Codes } from '../../kernels/quantize.js';
import type { BiasPlan, WeightPlan } from '../plan/types.js';

/** Codes and grid of one weight. `scale` and `zeroPoint` have one entry, or one for each index of `plan.axis`. */
export interface QuantizedWeight {
  plan: WeightPlan;
  dims: number[];
  codes: Codes;
  scale: Float32Array;
  zeroPoint: Int32Array;
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
