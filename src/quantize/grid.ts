import { type BlockShape, blockShape, type ChannelParams } from '../../kernels/blocks.js';
import { elementOf, weightGrid } from '../../kernels/grid.js';
import type { Kernels } from '../../kernels/wasm.js';
import type { WeightPlan } from '../plan/types.js';
import { withZeros } from './sparse.js';

/** How the values of a weight of dims `dims` share scales. */
export function shapeOf({ granularity, view, axis }: WeightPlan, dims: number[]): BlockShape {
  return blockShape(view ?? dims, axis, granularity.kind === 'block' ? granularity.size : undefined);
}

/**
 * The grids that the plan of a weight gives its values.
 * @param importance how much each value counts where a look-up table is fitted
 */
export function gridOf(
  plan: WeightPlan,
  dims: number[],
  values: Float32Array,
  kernels: Kernels,
  importance?: Float32Array,
): ChannelParams {
  const { symmetric, clip, scaleRule } = plan;
  const options = { symmetric, clip, scaleRule, importance };
  const params = weightGrid(kernels, values, shapeOf(plan, dims), plan.format, options);
  const { tables } = params;
  if (!tables || !plan.sparsity) return params;
  return { ...params, tables: withZeros(tables, 2 ** elementOf(plan.format).bits) };
}
