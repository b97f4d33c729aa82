import type { Node } from '../../../ir/model.js';
import type { Context } from '../context.js';
import type { Var } from '../program.js';

/**
 * Adds to the program what a node computes and returns its outputs in order; nothing for a node that is no
 * computation (the DequantizeLinear of a weight).
 * @throws QuantizeError COREML_OPERATOR where Core ML has no such form
 */
export type Lower = (node: Node, context: Context) => Var | Var[] | undefined;

/** A family of operators: ONNX's name → how it becomes operations of Core ML. */
export type Family = Readonly<Record<string, Lower>>;
