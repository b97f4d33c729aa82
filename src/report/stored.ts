import { elementOf } from '../../kernels/grid.js';
import { blockShape, scaleCount } from '../../kernels/quantize.js';
import { formatBits } from '../../kernels/size.js';
import { dtypeBits } from '../ir/dtypes.js';
import type { Plan, WeightPlan } from '../plan/types.js';
import type { Shapes } from './shapes.js';

/** Bytes of an initializer that the plan stores in another form: codes with their scales, int32 biases. */
export function plannedBytes(plan: Plan, shapes: Shapes): (name: string) => number | undefined {
  const weights = new Map(plan.weights.map((w) => [w.tensor, w]));
  const biases = new Set(plan.biases.map((b) => b.tensor));
  return (name) => {
    const weight = weights.get(name);
    if (weight) return Math.ceil((shapes.count(name) * codeBits(weight)) / 8) + scaleBytes(weight, shapes);
    return biases.has(name) ? 4 * shapes.count(name) : undefined;
  };
}

/** Bits of one stored code: of its ONNX type where it has one to itself, packed to the bit otherwise. */
function codeBits({ format, form }: WeightPlan): number {
  const row = elementOf(format);
  return form === 'linear' || form === 'cast' ? dtypeBits(row.dtype) : row.bits;
}

/** Bytes of a weight's scales, of its zero points where it has any, and of its look-up tables. */
export function scaleBytes(weight: WeightPlan, shapes: Shapes): number {
  const { granularity, axis, view = shapes.dims(weight.tensor) ?? [], format } = weight;
  const block = granularity.kind === 'block' ? granularity.size : undefined;
  const groups = scaleCount(blockShape(view, axis, block));
  return formatBits(format, 0, groups, !weight.symmetric) / 8;
}
