import { type BlockShape, blockShape, type ChannelParams } from '../../kernels/blocks.js';
import { elementOf, weightGrid } from '../../kernels/grid.js';
import type { Kernels } from '../../kernels/wasm.js';
import type { WeightPlan } from '../plan/types.js';
import { withZeros } from './sparse.js';

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
  const params = weightGrid(kernels, values, shape, plan.format, { symmetric, scaleRule });
  const { tables } = params;
  if (!tables || !plan.sparsity) return { shape, params };
  return { shape, params: { ...params, tables: withZeros(tables, 2 ** elementOf(plan.format).bits) } };
}
