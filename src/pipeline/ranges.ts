import { METHODS } from '../calibrate/methods/index.js';
import type { ActivationPlan } from '../plan/types.js';
import { outputErrors } from '../quantize/index.js';
import { type Draft, replan, withMeans } from './draft.js';

/** Besides each method as it comes, percentiles of other widths. */
const CANDIDATES = [...METHODS.map((method) => method.id), 'percentile:99.999', 'percentile:99.9'];

/**
 * Chooses each range among those of all calibration methods by what it costs the layers that read the tensor, on a
 * few samples. Tensors that share a scale choose together. Undefined where there is nothing to choose from.
 */
export async function chooseRanges(draft: Draft): Promise<Draft | undefined> {
  const { job, plan, stats, source } = draft;
  // Statistics without histograms know extremes only.
  const histograms = [...(stats?.tensors.values() ?? [])].some((t) => t.positive.length > 0);
  if (plan.activations.length === 0 || !histograms) return undefined;
  const offers = new Map(plan.activations.map((a) => [a.tensor, [a]]));
  for (const method of CANDIDATES) {
    const { activations } = replan(draft, { method }).plan;
    if (activations.every((a) => offers.has(a.tensor)))
      for (const activation of activations) offers.get(activation.tensor)!.push(activation);
  }
  for (const list of offers.values()) if (list.length !== CANDIDATES.length + 1) return undefined;
  const errors = await outputErrors(job.prepared, offers, source, { threads: job.options.threads });
  const activations = bestOf(plan.activations, offers, errors);
  return withMeans({ ...draft, plan: { ...plan, activations } });
}

/** The offer of least error for each set of tensors that share a scale, each tensor's errors relative to its least. */
function bestOf(
  now: readonly ActivationPlan[],
  offers: ReadonlyMap<string, ActivationPlan[]>,
  errors: ReadonlyMap<string, number[]>,
): ActivationPlan[] {
  const totals = new Map<string, number[]>();
  for (const { tensor, sharedWith = tensor } of now) {
    const own = errors.get(tensor)!;
    const least = Math.min(...own) || 1;
    const total = totals.get(sharedWith) ?? own.map(() => 0);
    totals.set(
      sharedWith,
      total.map((sum, i) => sum + own[i] / least),
    );
  }
  return now.map(({ tensor, sharedWith = tensor }) => {
    const total = totals.get(sharedWith)!;
    return offers.get(tensor)![total.indexOf(Math.min(...total))];
  });
}
