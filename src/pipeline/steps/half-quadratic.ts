import { elementOf } from '../../../kernels/grid.js';
import type { WeightPlan } from '../../plan/types.js';
import { weightKey } from '../../quantize/index.js';
import type { Draft } from '../draft.js';
import { mayShift, NARROW_BITS } from './rounding.js';

/**
 * Narrow integers whose rounding no samples decide have the ranges with the least error of their own, and zero points
 * where arithmetic is float: all of them without real samples, and with them tables that are looked up.
 */
export async function narrowRanges(draft: Draft): Promise<Draft | undefined> {
  const { plan, rounded } = draft;
  const open = plan.weights.filter((w) => !rounded?.has(weightKey(w)) && gains(w));
  if (open.length === 0) return undefined;
  const chosen = new Set(open);
  const weights = plan.weights.map((w) =>
    chosen.has(w) ? { ...w, clip: 'hqq' as const, symmetric: w.symmetric && !mayShift(w) } : w,
  );
  return { ...draft, plan: { ...plan, weights } };
}

const gains = ({ format, clip, rounding }: WeightPlan): boolean => {
  const { kind, bits } = elementOf(format);
  return kind === 'integer' && bits <= NARROW_BITS && clip === undefined && rounding !== 'stochastic';
};
