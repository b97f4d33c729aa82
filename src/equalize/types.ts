import type { LinearLayout } from '../ir/layout.js';
import type { Node } from '../ir/model.js';

/**
 * A value whose channels may be rescaled: `classes[c]` is the class of channel c. Channels of one class, here and in
 * other tensors, can only be multiplied by the same number.
 */
export interface Slot {
  tensor: string;
  axis: number;
  rank: number;
  classes: Int32Array;
}

/** An operator with a constant weight: takes multipliers of its output into rows, and of its input out of columns. */
export interface Linear {
  node: Node;
  weight: string;
  layout: LinearLayout;
  input?: Slot;
  output?: Slot;
}

/** A constant that is multiplied with the channels of `slot`: a bias, an addend, the gain of a normalisation. */
export interface Addend {
  node: Node;
  input: number;
  slot: Slot;
}

/** A Clip whose bounds stay where they are: its channels may move only as far as they do not meet them. */
export interface Bounded {
  node: Node;
  slot: Slot;
  low: number;
  high: number;
}

/** What can be rescaled in a graph, and where multipliers go. */
export interface Topology {
  slots: Map<string, Slot>;
  linears: Linear[];
  addends: Addend[];
  bounded: Bounded[];
  /** Number of class ids; ids that are not their own root are unused. */
  size: number;
  /** Whether the class must keep the multiplier 1. */
  isPinned(id: number): boolean;
}

/** Channels that were multiplied together, and by what: x' = factor · x for each channel of every tensor named. */
export interface Rescaling {
  tensors: string[];
  /** One a channel, > 0. */
  factors: number[];
  /** Set when the first tensor is this one multiplied by the factors, in a Mul that is put behind it. */
  gainOf?: string;
  /** Set when all that reads the tensor reads it divided by the factors again, in a Mul that is put behind it. */
  restored?: true;
  reason: string;
}

/** What a bias gives up, x' = x − c for each channel of what is behind it, and other biases take: + W·c. */
export interface Absorption {
  /** The value behind the bias. */
  tensor: string;
  /** One a channel. */
  offsets: number[];
  reason: string;
}

/** What the samples say of the channels of one tensor. */
export interface ChannelStats {
  min: Float64Array;
  max: Float64Array;
  mean: Float64Array;
  /** Mean of x². */
  power: Float64Array;
}

/** What the numbers will be rounded to. */
export interface Grids {
  /** Tensors that will be rounded; none where weights alone are. */
  quantized: ReadonlySet<string>;
  /** Steps over the range of an activation, and whether its grid is centred on zero. */
  steps: number;
  symmetric: boolean;
  /** Steps from zero to the largest weight; one scale an output channel, or one a tensor. */
  weightSteps: number;
  perChannel: boolean;
  /** Values of an output channel that share a scale, where not all of them do. */
  block?: number;
}
