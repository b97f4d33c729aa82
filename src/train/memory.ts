import { elementCount } from '../ir/tensor.js';
import { parametersOf } from './parameters.js';
import type { Problem } from './types.js';

const FLOAT = 4;
/** A rounded value is kept beside the value, with a byte that says whether it was inside. */
const PER_ROUNDED = FLOAT + 1;
/** Weights with two averages, twice, and on the way: as they are, rounded, gradients in parts and together. */
const COPIES_OF_WEIGHTS = 12;
/** Gradients of values at one time, in the largest values of the graph. */
const LARGEST_AT_ONCE = 6;

/**
 * Bytes that training takes, estimated: every forward value is kept until its gradient is made; gradients of values
 * live for a few nodes.
 */
export function trainingBytes({ model, dims, quantized }: Problem): number {
  const size = (name: string) => elementCount(dims.get(name) ?? []);
  const made = model.graph.nodes.flatMap((n) => n.outputs.filter((o) => dims.has(o)));
  const kept = made.reduce((sum, name) => sum + size(name), 0);
  const largest = made.reduce((most, name) => Math.max(most, size(name)), 0);
  const rounded = quantized?.plan.activations.reduce((sum, a) => sum + size(a.tensor), 0) ?? 0;
  const weights = parametersOf(model).reduce((sum, t) => sum + elementCount(t.dims), 0);
  return FLOAT * (kept + LARGEST_AT_ONCE * largest + COPIES_OF_WEIGHTS * weights) + PER_ROUNDED * rounded;
}
