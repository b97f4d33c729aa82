import { blockShape } from '../../kernels/blocks.js';
import { magnitudeMask, twoFourMask } from '../../kernels/sparsity.js';
import type { WeightPlan } from '../plan/types.js';
import type { LinearForm } from './hessian/index.js';

/** Values with the zeros that the plan asks for, and the mask of those that stay (1); the values themselves without. */
export function sparse(plan: WeightPlan, dims: number[], values: Float32Array) {
  if (!plan.sparsity) return { values };
  const { pattern, axis, view = dims } = plan.sparsity;
  const mask = pattern === '2:4' ? twoFourMask(values, view, axis) : magnitudeMask(values, 1 - pattern);
  return { values: values.map((value, i) => (mask[i] ? value : 0)), mask };
}

/** Every four neighbours of the pattern are four neighbouring columns of the matrices. */
export function foursAreColumns(
  { axis, view }: NonNullable<WeightPlan['sparsity']>,
  dims: number[],
  { columns, columnStride }: LinearForm,
): boolean {
  return columns % 4 === 0 && blockShape(view ?? dims, axis).inner === columnStride;
}

/** Look-up tables in which each group's value nearest to zero is zero, so that what was left out stays out. */
export function withZeros(tables: Float32Array, size: number): Float32Array {
  const out = tables.slice();
  for (let first = 0; first < out.length; first += size) {
    const table = out.subarray(first, first + size);
    const nearest = table.reduce((best, value, i) => (Math.abs(value) < Math.abs(table[best]) ? i : best), 0);
    table[nearest] = 0;
  }
  return out;
}
