import { elementOf } from '../../../kernels/grid.js';
import type { Front, FrontPoint } from '../../sensitivity/types.js';
import { placeOf, plansIn } from '../damage/candidates.js';
import type { Profile } from '../damage/profile.js';
import type { Draft } from '../draft.js';
import { stopIfAborted } from '../stages.js';
import { type Allocation, allocate, budgetsOf, type CostTable, leastOf } from './budget.js';
import { verifiedDb } from './with-formats.js';

/** Budgets at and a little below what one format throughout takes: the additive model errs, so neighbours are tried too. */
const BESIDE_UNIFORM = [1, 0.999, 0.995, 0.99];
/** Formats below this keep more bits at the ends of a network, in schemes of theirs. */
const NARROW_BITS = 8;

/**
 * What budgets from the least to the most buy, each allocation run in onnxruntime, and beside them one format throughout.
 * Every uniform scheme's own cost is a budget too, so the mixture at its side is at least as good by the model; and the
 * uniform scheme is one of the choices, so the front never falls below it.
 */
export async function frontOf(
  draft: Draft,
  found: Profile,
  table: CostTable,
  chosen: Allocation,
  of: Front['of'],
): Promise<Front> {
  const uniform = uniformOf(draft, found, table);
  const least = table.fixed + leastOf(table);
  const beside = uniform.flatMap((u) => BESIDE_UNIFORM.map((share) => share * u.cost));
  const limits = [...budgetsOf(table), ...beside.filter((b) => b >= least)].sort((a, b) => a - b);
  const mixtures = new Map<string, Allocation>();
  for (const limit of limits) {
    const allocation = allocate(found, table, limit);
    mixtures.set(keyOf(allocation.formats), allocation);
  }
  mixtures.set(keyOf(chosen.formats), chosen);
  for (const u of uniform) if (keyOf(u.formats) !== keyOf(chosen.formats)) mixtures.delete(keyOf(u.formats));
  const all = [
    ...[...mixtures].map(([key, a]) => ({ ...a, name: '', kind: 'mixed' as const, key })),
    ...uniform.map((u) => ({ ...u, kind: 'uniform' as const, key: '' })),
  ];
  const points: FrontPoint[] = [];
  for (const [i, { kind, name, key, cost, noise, formats }] of all.entries()) {
    stopIfAborted(draft.job.options.signal);
    draft.job.options.onProgress?.({ stage: 'front', done: i, total: all.length });
    points.push({
      kind,
      name,
      cost,
      predictedDb: decibels(noise),
      verifiedDb: finite(await verifiedDb(draft, found, formats)),
      layers: countsOf(formats, found),
      chosen: key === keyOf(chosen.formats),
    });
  }
  const sorted = points.sort((a, b) => a.cost - b.cost);
  return { of, unit: table.unit, float: table.float, points: sorted.filter((p) => stands(p, sorted)) };
}

/** Mixtures that a cheaper one turned out to beat are no part of the front. */
const stands = (point: FrontPoint, all: readonly FrontPoint[]): boolean =>
  point.kind === 'uniform' ||
  point.chosen ||
  !all.some((other) => other.kind === 'mixed' && other.cost < point.cost && reached(other) >= reached(point));

const reached = ({ verifiedDb }: FrontPoint): number => verifiedDb ?? Infinity;

interface Uniform extends Allocation {
  name: string;
}

/** Each candidate throughout; narrow ones also with the ends of the network in 8 bits, as their schemes have it. */
function uniformOf(draft: Draft, found: Profile, table: CostTable): Uniform[] {
  return found.candidates.flatMap((candidate) => {
    const throughout = new Map([...found.layers.keys()].map((place) => [place, candidate.id]));
    const whole = { name: candidate.id, ...costOf(found, table, throughout) };
    if (elementOf(candidate.weights).bits >= NARROW_BITS) return [whole];
    const wider = new Map(found.candidates.map((c) => [c.weights, c.id]));
    const ends = new Map(
      plansIn(draft, candidate, false).map((w) => [placeOf(w), wider.get(w.format) ?? candidate.id]),
    );
    const differ = [...ends].some(([place, id]) => throughout.get(place) !== id);
    return differ
      ? [whole, { name: `${candidate.id}, ends in 8 bits`, ...costOf(found, table, ends) }]
      : [whole];
  });
}

function costOf(found: Profile, table: CostTable, formats: Map<string, string>): Allocation {
  let [cost, noise] = [table.fixed, found.activationsOnly.noise];
  for (const [l, place] of [...found.layers.keys()].entries()) {
    const choice = table.layers[l][found.candidates.findIndex((c) => c.id === formats.get(place))];
    cost += choice.cost;
    noise += choice.damage;
  }
  return { formats, cost, noise };
}

const keyOf = (formats: ReadonlyMap<string, string>): string => JSON.stringify([...formats]);

function countsOf(formats: ReadonlyMap<string, string>, found: Profile): Record<string, number> {
  const ids = [...formats.values()];
  return Object.fromEntries(
    found.candidates.map(({ id }) => [id, ids.filter((other) => other === id).length]),
  );
}

const decibels = (noise: number): number | null => (noise > 0 ? -10 * Math.log10(noise) : null);
const finite = (db: number): number | null => (Number.isFinite(db) ? db : null);
