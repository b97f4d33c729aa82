import type { Model } from '../ir/model.js';
import type { Plan } from '../plan/types.js';
import type { QuantizedWeight } from '../quantize/types.js';

/** One part of the loss. */
export interface Term {
  /** A value of the forward graph. */
  value: string;
  /** Graph input that holds what it should be. */
  target: string;
  /** Against shares of classes along the last axis; squared error; the same over the targets' mean square. */
  kind: 'cross-entropy' | 'mse' | 'relative-mse';
  weight: number;
}

/** A network to train, every size a number. */
export interface Problem {
  /** Prepared: float, no Q/DQ, its constants where training starts. */
  model: Model;
  dims: ReadonlyMap<string, number[]>;
  /** What is rounded in the forward pass; nothing without it. */
  quantized?: {
    plan: Plan;
    weights: readonly QuantizedWeight[];
    /** Constants whose codes are learned: they hold V, and their codes are the lower ones of two (`soft-rounding.ts`). */
    undecided?: ReadonlySet<string>;
    /** Inputs that integer operators before this part of a network make. */
    arriving?: ReadonlySet<string>;
  };
  terms: readonly Term[];
  settings: GraphSettings;
}

export interface GraphSettings {
  optimiser: 'adam' | 'sgd';
  /** Steps of the grids are learned with the weights (LSQ), else they stay. */
  learnScales: boolean;
  /** Rounded weights keep their codes: of them their scales alone are learned. */
  heldCodes?: boolean;
  /** Of undecided ones too, which then may lie between two codes. */
  decideCodes?: boolean;
  /** Largest norm of all gradients together; 0: any. */
  clip: number;
  /** Rounding sets in little by little: y = x + a·(Q(x) − x) with a graph input a. */
  annealing: boolean;
  /** What weights are kept in from step to step: bfloat16 is rounded to at random. */
  masters?: 'fp32' | 'bf16';
}

/** Where a value lies in the flat vector of its kind. */
export interface Place {
  name: string;
  dims: number[];
  offset: number;
  size: number;
}

/** A flat vector that is trained, and what the optimiser remembers of it. */
export interface Vector {
  value: Float32Array;
  first: Float32Array;
  second: Float32Array;
}

/** All that changes from step to step. */
export interface State {
  weights: Vector;
  scales: Vector;
}
