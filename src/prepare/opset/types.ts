import type { Node, Tensor } from '../../ir/model.js';

/**
 * One change of form or meaning in an operator's history. `adapt` receives a node written for the version before
 * `since` and returns the nodes that mean the same at version `since`, in order of execution: often the node
 * itself, edited. Later changes of those nodes are applied by the walk, so an adapter knows one step only.
 * Graphs inside the node are already at the target; nodes that an adapter puts inside a new body are not walked
 * again, so it writes them in their final form.
 */
export interface Adapter {
  ops: readonly string[];
  since: number;
  /** What changed, one line. */
  description: string;
  adapt(node: Node, context: Context): Node[];
}

/** What an adapter may ask of, and add to, the graph that its node lives in. */
export interface Context {
  /** The version that the model will have. */
  readonly to: number;
  /** A value name that nothing in the model uses. */
  fresh(hint: string): string;
  /** Makes `tensor` an initializer of this graph, named after `hint`; returns the name. */
  constant(hint: string, tensor: Tensor): string;
  /** The value when it is a constant of this graph or an outer one. */
  constantOf(name: string): Tensor | undefined;
  /** ONNX data-type number; undefined when neither the file nor the producers tell. */
  dtypeOf(name: string): number | undefined;
  /** Sizes, `undefined` where not fixed; undefined as a whole when the rank is unknown. */
  shapeOf(name: string): (number | undefined)[] | undefined;
  /** Does any node, nested graph or graph output read the value? */
  isUsed(name: string): boolean;
  /** Records a finding that does not stop the upgrade. */
  warn(code: string, message: string, node: Node): void;
}
