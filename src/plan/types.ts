import type { ScaleRule } from '../../kernels/block-formats.js';
import type { FormatId } from '../../kernels/formats.js';
import type { Clip } from '../../kernels/grid.js';
import type { Absorption, Rescaling } from '../equalize/types.js';

/**
 * How weights share scales: one a tensor, one an output channel, one for `size` values of the reduction axis, or none
 * at all (formats that are a cast).
 */
export type Granularity =
  | { kind: 'perlayer' }
  | { kind: 'perchannel' }
  | { kind: 'block'; size: number }
  | { kind: 'none' };

/** A parsed scheme name: `<weights>[-<activations>]-<granularity>`. */
export interface Scheme {
  name: string;
  /** A number format or a block format. */
  weights: FormatId;
  /**
   * A format; `none`: weight-only, activations stay float; `dynamic`: ranges are found at run time; `native`: what the
   * target computes in where it multiplies such weights, float where it does not; `native8`…: that kind, so many bits.
   */
  activations: FormatId | 'none' | 'dynamic' | 'native' | `native${2 | 3 | 4 | 8 | 16}`;
  granularity: Granularity;
  /** Layers have formats of their own, chosen within a budget; `weights` is what the search starts from. */
  mixed?: boolean;
  /** Nothing is quantized (`fp32`): for training the float model itself. */
  float?: boolean;
}

/** Which zeros are made before rounding: two of every four along the reduction axis, or a share (0…1) of the smallest. */
export type Sparsity = '2:4' | number;

/** What all that is not quantized is in, where it is not float32. */
export type HighPrecision = 'fp16' | 'bf16';

/** How codes become reals: by onnxruntime (`exec`), or by the types of the ONNX standard, which it may not run (`spec`). */
export type Encoding = 'exec' | 'spec';

/**
 * How a weight is written: `linear` behind DequantizeLinear, `codebook` as packed codes and a table of their values,
 * `cast` in a narrower float type, `matmulnbits` inside com.microsoft's operator, `nibbles` as linear with two bits in four.
 */
export type WeightForm = 'linear' | 'nibbles' | 'codebook' | 'cast' | 'matmulnbits';

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

/**
 * How weights fall on their grids: each to the `nearest` value, `stochastic`ally, or so that the layer's outputs err
 * least by the second moments of its inputs (`hessian`), inputs being those that the layers before, rounded already,
 * leave (`sequential`).
 */
export type Rounding = (typeof ROUNDINGS)[number];
export const ROUNDINGS = ['nearest', 'stochastic', 'hessian', 'sequential'] as const;

export interface WeightPlan {
  tensor: string;
  /** Who reads it as a weight: node name and input position. */
  uses: { node: string; input: number }[];
  /** A number format or a block format. */
  format: FormatId;
  granularity: Granularity;
  /** Channel axis for perchannel, reduction axis for block; of `view` where there is one. */
  axis?: number;
  /** Dims that the values have while they are codes, in the same order: filters as rows, so that blocks run along them. */
  view?: number[];
  symmetric: boolean;
  form: WeightForm;
  /** How integer ranges are chosen by the values themselves; absent: they span them all. */
  clip?: Clip;
  /** How values fall on the grid; absent: to the nearest. */
  rounding?: Rounding;
  /** Along `axis` of `view` (default: the dims): what is summed. */
  sparsity?: { pattern: Sparsity; axis: number; view?: number[] };
  /** How the scale of a block is chosen; absent: the format's own rule. */
  scaleRule?: ScaleRule;
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

/** A node that computes in integers on ranges found at run time: DynamicQuantizeLinear and an integer product. */
export interface DynamicPlan {
  node: string;
  opType: string;
  tensor: string;
  weight: string;
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
  encoding: Encoding;
  /**
   * Whose placement of pairs it follows. `tensorrt`: who computes in float reads values that were never rounded, and
   * biases are float. Absent: values are rounded where they are made, for all who read them.
   */
  placement?: 'tensorrt';
  /** Absent: float32. */
  highPrecision?: HighPrecision;
  /** Of stochastic rounding; default 0. */
  seed?: number;
  /** `none` when calibration was synthetic. */
  evidence: 'real' | 'synthetic';
  activations: ActivationPlan[];
  weights: WeightPlan[];
  biases: BiasPlan[];
  /** What biases give up to those behind them, first of all; all else speaks of the model after it. Absent: nothing. */
  absorption?: Absorption[];
  /** Channels that are rescaled before anything is rounded; all else speaks of the model after it. Absent: none. */
  equalization?: Rescaling[];
  /**
   * Shift each int32 bias by the mean error that rounding brings to its channel: that of its own layer on real samples, or,
   * in turn, that of the quantized network up to it; without samples that which folded normalisations tell (`expected`).
   */
  biasCorrection: boolean | 'sequential' | 'expected';
  /** The weights that were rounded had been trained, which a plan cannot do again. */
  trained?: true;
  integer: IntegerPlan[];
  /** Empty but for schemes with dynamic activations. */
  dynamic: DynamicPlan[];
  float: FloatPlan[];
}
