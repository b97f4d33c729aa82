import type { FormatId } from '../../kernels/formats.js';
import type { Rescaling } from '../equalize/types.js';

/** How weights share scales: one a tensor, one an output channel, or one for `block` values of the reduction axis. */
export type Granularity = { kind: 'perlayer' } | { kind: 'perchannel' } | { kind: 'block'; size: number };

/** A parsed scheme name: `<weights>[-<activations>]-<granularity>`. */
export interface Scheme {
  name: string;
  weights: FormatId;
  /** Absent: what the target computes in. `none`: weight-only, activations stay float. */
  activations?: FormatId | 'none';
  granularity: Granularity;
}

/** Scale and zero point of an activation: x ≈ (q − zeroPoint) · scale. */
export interface ActivationPlan {
  tensor: string;
  format: FormatId;
  /** float32 value, > 0. */
  scale: number;
  zeroPoint: number;
  /** The range that the method chose, before it was widened to hold zero. */
  range: [number, number];
  /** Method id, `fixed`, or `shared`. */
  method: string;
  /** Set when this tensor takes the scale of another (same-scale operators). */
  sharedWith?: string;
  reason: string;
}

export interface WeightPlan {
  tensor: string;
  /** Who reads it as a weight: node name and input position. */
  uses: { node: string; input: number }[];
  format: FormatId;
  granularity: Granularity;
  /** Channel axis for perchannel, reduction axis for block. */
  axis?: number;
  symmetric: boolean;
  /** Stored quantized, computed in float: the node has no integer form there, or lies inside an If, Loop or Scan body. */
  weightOnly: boolean;
  reason: string;
}

/** int32 bias with scale = scale(activation) · scale(weight), zero point 0. */
export interface BiasPlan {
  node: string;
  input: number;
  tensor: string;
  activation: string;
  weight: string;
  reason: string;
}

/** A node that computes in integers: it reads dequantized views of quantized tensors. */
export interface IntegerPlan {
  node: string;
  opType: string;
  reason: string;
}

export interface FloatPlan {
  node: string;
  opType: string;
  /** Why it stays in float. */
  reason: string;
}

export interface Plan {
  schema: 'onnx-quantize/plan@1';
  /** sha256 of the input model file. */
  model: string;
  target: string;
  scheme: string;
  method: string;
  /** Opset of the standard domain that the emitted model imports. */
  opset: number;
  /** `none` when calibration was synthetic. */
  evidence: 'real' | 'synthetic';
  activations: ActivationPlan[];
  weights: WeightPlan[];
  biases: BiasPlan[];
  /** Channels that are rescaled before anything is rounded; all else speaks of the model after it. Absent: none. */
  equalization?: Rescaling[];
  /** Shift each int32 bias by the mean error that rounding brings to its channel (needs real samples). */
  biasCorrection: boolean;
  integer: IntegerPlan[];
  float: FloatPlan[];
}
