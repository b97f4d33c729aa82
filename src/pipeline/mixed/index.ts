import { elementOf } from '../../../kernels/grid.js';
import { usageError } from '../../errors.js';
import { opsetVersion } from '../../ir/graph.js';
import { MIXED_OPSET, weightOpset } from '../../plan/index.js';
import { decibel, digits } from '../../report/units.js';
import { type Candidate, DEFAULT_CANDIDATES, ownCandidate, parseCandidates } from '../damage/candidates.js';
import { DAMAGE_SAMPLES, type Profile, profileOf } from '../damage/profile.js';
import type { Draft } from '../draft.js';
import { produce } from '../produce.js';
import { type Job, note } from '../stages.js';
import { settled } from '../steps/settled.js';
import { atOpset } from '../steps/wide.js';
import { fitAndMeasure } from '../trial.js';
import {
  type Allocation,
  allocate,
  type Budget,
  budgetsOf,
  type CostTable,
  costTable,
  leastOf,
  requireModelled,
} from './budget.js';
import { frontOf } from './front.js';
import { unrounded, verifiedDb, withFormats } from './with-formats.js';

/** Budgets a little below the one that was given: the additive model errs, so neighbours are tried for real. */
const NEIGHBOURS = [1, 0.98, 0.95];

/**
 * Gives each layer of a mixed scheme the format that the budget is best spent on: what every weight in every candidate
 * format costs is measured once, the best sum is found exactly, and the best few are run. Without a budget the
 * smallest model that passes the gates.
 * @throws QuantizeError BUDGET_INFEASIBLE, CANDIDATE_OPSET (usage), BUDGET_UNMODELLED (unsupported)
 */
export async function mixFormats(draft: Draft): Promise<Draft | undefined> {
  const { job, plan } = draft;
  const { options } = job;
  if (!job.scheme.mixed || plan.weights.length === 0) return undefined;
  const { budget } = options;
  if (budget) requireModelled(job.target, budget);
  const found = await profileFor(draft, candidatesFor(draft));
  const table = costTable(draft, found, budget?.of ?? 'size');
  const chosen = budget
    ? await bestWithin(draft, found, table, limitOf(budget, table))
    : await leastThatPasses(draft, found, table);
  if (budget) noteUnspent(job, found, chosen, { limit: limitOf(budget, table), unit: table.unit });
  const next = withFormats(draft, found, chosen.formats);
  const front = options.front?.length
    ? await frontOf(draft, found, table, chosen, budget?.of ?? 'size')
    : undefined;
  // Rounding by outputs is a step of its own, which also sees what the layers before leave.
  return { ...next, rounded: undefined, plan: unrounded(next), profile: found, front };
}

/**
 * When a gate fails: weights in the scheme's own bits or more, the smallest mixture that passes, or the best there is.
 */
export async function mixBits(draft: Draft): Promise<Draft | undefined> {
  const { scheme } = draft.job;
  if (scheme.mixed || draft.plan.weights.length === 0) return undefined;
  const least = elementOf(scheme.weights).bits;
  const candidates = parseCandidates([ownCandidate(draft), ...DEFAULT_CANDIDATES]).filter(
    ({ id, weights }) => id === ownCandidate(draft) || elementOf(weights).bits > least,
  );
  if (candidates.length < 2) return undefined;
  const base = await atOpset(draft, MIXED_OPSET);
  const found = await profileFor(base, candidates);
  const chosen = await leastThatPasses(base, found, costTable(base, found, 'size'));
  const mixed = withFormats(base, found, chosen.formats);
  const plan = { ...mixed.plan, biasCorrection: draft.plan.biasCorrection };
  // The profile rounded by fewer samples than there are, and without the biases.
  return settled({ ...mixed, plan, profile: found }, { ...draft, rounded: undefined });
}

/** Candidates that the prepared model's opset can express. */
export function candidatesFor(draft: Draft): Candidate[] {
  const { job } = draft;
  const candidates = parseCandidates(job.options.candidates ?? DEFAULT_CANDIDATES);
  const opset = opsetVersion(job.prepared);
  const late = candidates.find(
    ({ id, weights, granularity }) =>
      weightOpset({ name: id, weights, granularity, activations: 'none' }, draft.plan.encoding) > opset,
  );
  if (!late) return candidates;
  throw usageError('CANDIDATE_OPSET', `weights of ${late.id} need a later opset than ${opset}`, {
    hint: 'a mixed scheme takes formats up to opset 21; use int3 or int4 instead, or a table such as lut2',
  });
}

export function profileFor(draft: Draft, candidates: readonly Candidate[]): Promise<Profile> {
  const byOutputs = draft.job.options.effort !== 'fast' && draft.source.kind === 'real';
  const { fit, measure } = fitAndMeasure(draft.source, DAMAGE_SAMPLES);
  return profileOf({ ...draft, source: fit }, candidates, {
    source: measure,
    limit: DAMAGE_SAMPLES,
    byOutputs,
  });
}

const limitOf = ({ value, share }: Budget, { float }: CostTable): number => (share ? value * float : value);

/** The best of a few allocations at and a little below the limit, as run on the samples that steps are judged by. */
async function bestWithin(
  draft: Draft,
  found: Profile,
  table: CostTable,
  limit: number,
): Promise<Allocation> {
  let best = allocate(found, table, limit);
  let reached = await verifiedDb(draft, found, best.formats);
  for (const share of NEIGHBOURS.slice(1)) {
    if (share * limit < table.fixed + leastOf(table)) break;
    const other = allocate(found, table, share * limit);
    const db = await verifiedDb(draft, found, other.formats);
    if (db > reached) [best, reached] = [other, db];
  }
  return best;
}

/** Of a budget: less than this is left over by formats that come in steps. */
const WELL_SPENT = 0.95;
/** Share of the noise that weights make where more bits for them would change nothing. */
const NEGLIGIBLE = 0.1;

/** A budget beyond what weights can use: their widest format nearly everywhere, and the rest of the error elsewhere. */
function noteUnspent(
  job: Job,
  { activationsOnly }: Profile,
  { cost, noise }: Allocation,
  { limit, unit }: { limit: number; unit: string },
): void {
  if (cost > WELL_SPENT * limit || noise - activationsOnly.noise > NEGLIGIBLE * noise) return;
  note(job, {
    level: 'warning',
    code: 'BUDGET_UNSPENT',
    message: `the budget is not used up (${digits(cost)} of ${digits(limit)} ${unit}): weights of more bits would change nothing, since activations make nearly all of the error (${decibel(activationsOnly.sqnrDb)} alone). A smaller budget is faster or smaller; mixed-a16 and mixed-float keep more`,
  });
}

/** Bisects the front for the cheapest allocation that passes the gates; the best there is where none does. */
async function leastThatPasses(draft: Draft, found: Profile, table: CostTable): Promise<Allocation> {
  const front = budgetsOf(table).map((limit) => allocate(found, table, limit));
  let [low, high] = [0, front.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { failure } = await produce(withFormats(draft, found, front[middle].formats));
    if (failure) low = middle + 1;
    else high = middle;
  }
  return front[low];
}
