import type { Node, Tensor } from '../../ir/model.js';
import type { Builder } from '../builder.js';

/** One node of the forward graph, and the graph that its gradients are written into. */
export interface Step {
  b: Builder;
  node: Node;
  /** Gradient of the loss by the node's outputs; undefined where nothing that counts reads the output. */
  gradients: (string | undefined)[];
  /** Sizes of a value of the forward graph. */
  dims(name: string): number[];
  /** A value that is known before anything runs. */
  constant(name: string): Tensor | undefined;
  /** Is the gradient by this input asked for? */
  wants(input: number): boolean;
}

/** How the gradients of one operator follow from those of its outputs. */
export interface Adjoint {
  /** Qualified as `qualifiedType` says it. */
  op: string;
  /** Why this node has none after all: a mode, or an input that must be constant. */
  refuses?(step: Omit<Step, 'b' | 'gradients'>): string | undefined;
  /** Gradients by input; undefined where there is none or it is not wanted. */
  back(step: Step): (string | undefined)[];
}

/** A family: operators whose adjoints have the same form. */
export type Family = readonly Adjoint[];
