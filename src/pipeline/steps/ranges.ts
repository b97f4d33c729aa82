import { format } from '../../../kernels/formats.js';
import { METHODS } from '../../calibrate/methods/index.js';
import { emitQdq } from '../../emit/index.js';
import { executable } from '../../plan/index.js';
import type { ActivationPlan } from '../../plan/types.js';
import { quantizeNumbers } from '../../quantize/index.js';
import { modelMacs } from '../../report/index.js';
import { GridTrial } from '../../verify/index.js';
import { type Draft, replan } from '../draft.js';
import { stopIfAborted } from '../stages.js';
import { restOf } from '../trial.js';
import { settled } from './settled.js';

/** Besides each method as it comes, percentiles of other widths. */
const CANDIDATES = [...METHODS.map((method) => method.id), 'percentile:99.999', 'percentile:99.9'];
/** Samples that are looked at, those of them that decide, and those that rule out what is plainly worse. */
const LOOKED = 64;
const SAMPLES = 8;
const FIRST = 1;
/** What a range must bring to be chosen, as a share of all noise: less than that is the luck of a few samples. */
const LEAST_GAIN = 0.003;
/** Multiplications that the search may take, some tens of seconds; what comes later in the graph then keeps its range. */
const SEARCH_MACS = 5e11;
/** Scales closer than this are the same range. */
const SAME = 0.02;

/** Tensors that share a scale, with the grids that it may have; the first is the present one. */
type Offer = ActivationPlan[][];

/**
 * Chooses each range among those of all calibration methods by the noise at the outputs of the network, tensor after
 * tensor, weights being float. What a range costs the layer behind it says little: rounding averages out on the way
 * through a network, while values that are clipped in one place are clipped beside it too. Undefined where there is
 * nothing to choose from.
 */
export async function chooseRanges(draft: Draft): Promise<Draft | undefined> {
  const { job, plan, stats, source } = draft;
  // Statistics without histograms know extremes only; made-up samples say nothing about ranges.
  const histograms = [...(stats?.tensors.values() ?? [])].some((t) => t.positive.length > 0);
  // onnxruntime takes no zero points of 4 bits as inputs, which is how grids are tried.
  const bytes = plan.activations.every((a) => format(a.format).bits >= 8);
  const offers = histograms && bytes && source.kind === 'real' ? offersOf(draft) : [];
  if (offers.length === 0) return undefined;
  const part = executable({ ...plan, weights: [], biases: [] });
  const rounded = emitQdq(job.prepared, part, quantizeNumbers(job.prepared, part).numbers);
  const trial = await GridTrial.open(job.prepared, rounded, plan.activations, restOf(source), {
    looked: LOOKED,
    kept: SAMPLES,
    threads: job.options.threads,
  });
  try {
    const onProgress = (done: number) => {
      stopIfAborted(job.options.signal);
      job.options.onProgress?.({ stage: 'ranges', done, total: offers.length });
    };
    const runs = SEARCH_MACS / modelMacs(job.prepared, draft.types);
    const chosen = await descend(trial, offers, runs, onProgress);
    const activations = plan.activations.map((a) => chosen.get(a.tensor) ?? a);
    return chosen.size === 0 ? undefined : settled({ ...draft, plan: { ...plan, activations } }, draft);
  } finally {
    await trial.release();
  }
}

/** The grids that the methods give, where they differ. */
function offersOf(draft: Draft): Offer[] {
  const offers = new Map<string, Offer>();
  for (const plans of [draft.plan, ...CANDIDATES.map((method) => replan(draft, { method }).plan)]) {
    for (const [root, group] of groupsOf(plans.activations)) {
      const known = offers.get(root) ?? [];
      if (known.every(([{ scale }]) => Math.abs(group[0].scale / scale - 1) > SAME))
        offers.set(root, [...known, group]);
    }
  }
  return [...offers.values()].filter((offer) => offer.length > 1);
}

function groupsOf(activations: readonly ActivationPlan[]): Map<string, ActivationPlan[]> {
  const groups = new Map<string, ActivationPlan[]>();
  for (const a of activations) {
    const root = a.sharedWith ?? a.tensor;
    groups.set(root, [...(groups.get(root) ?? []), a]);
  }
  return groups;
}

/**
 * One tensor after the other takes the best of its grids, the others being as they have become.
 * @param runs of the network that it may take
 */
async function descend(
  trial: GridTrial,
  offers: readonly Offer[],
  runs: number,
  onProgress: (done: number) => void,
) {
  const chosen = new Map<string, ActivationPlan>();
  const before = { first: await trial.noise([], FIRST), all: await trial.noise([]) };
  const least = { first: before.first.length, all: before.all.length };
  let left = runs;
  for (const [i, [, ...others]] of offers.entries()) {
    onProgress(i);
    for (const group of others) {
      if (left <= 0) return chosen;
      const grids = [...new Map([...chosen, ...group.map((a) => [a.tensor, a] as const)]).values()];
      left -= FIRST;
      const first = share(await trial.noise(grids, FIRST), before.first);
      if (first > least.first * (1 + LEAST_GAIN)) continue;
      left -= SAMPLES;
      const all = share(await trial.noise(grids), before.all);
      if (all > least.all * (1 - LEAST_GAIN)) continue;
      Object.assign(least, { first, all });
      for (const a of group) chosen.set(a.tensor, a);
    }
  }
  return chosen;
}

/** Noise of each output over what it was, summed. */
const share = (now: readonly number[], before: readonly number[]): number =>
  now.reduce((sum, noise, o) => sum + (before[o] > 0 ? noise / before[o] : 1), 0);
