import type { Node } from '../../../ir/model.js';
import type { Context } from '../context.js';
import type { Value } from '../program.js';

/**
 * Adds to the program what a node computes and returns its outputs in order; nothing for a node that is no
 * computation (the DequantizeLinear of a weight).
 * @throws QuantizeError STABLEHLO_OPERATOR where StableHLO has no such form
 */
export type Lower = (node: Node, context: Context) => Value | Value[] | undefined;

/** A family of operators: ONNX's name → how it becomes operations of StableHLO. */
export type Family = Readonly<Record<string, Lower>>;
