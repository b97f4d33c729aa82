import { type BlockShape, blockShape, type ChannelParams } from '../../kernels/blocks.js';
import { weightGrid } from '../../kernels/grid.js';
import type { Kernels } from '../../kernels/wasm.js';
import type { WeightPlan } from '../plan/types.js';

/** How the values of a weight of dims `dims` share scales, and the grids that its plan gives them. */
export function gridOf(
  plan: WeightPlan,
  dims: number[],
  values: Float32Array,
  kernels: Kernels,
): { shape: BlockShape; params: ChannelParams } {
  const block = plan.granularity.kind === 'block' ? plan.granularity.size : undefined;
  const shape = blockShape(plan.view ?? dims, plan.axis, block);
  const { symmetric, scaleRule } = plan;
  return { shape, params: weightGrid(kernels, values, shape, plan.format, { symmetric, scaleRule }) };
}
