import { findFormat } from '../../../kernels/formats.js';
import { opsetVersion } from '../../ir/graph.js';
import { prepare } from '../../prepare/index.js';
import { activationDamages } from '../damage/damages.js';
import { type Draft, replan } from '../draft.js';
import { typesFor } from '../stages.js';
import { settled } from './settled.js';

/** Q/DQ pairs take codes of 16 bits from here on. */
const WIDE_OPSET = 21;
/** Samples on which an activation is judged: tensors differ more than samples do. */
const SAMPLES = 2;
/** Tensors that the first attempt widens at least; each later one twice as many. */
const FIRST = 4;
/** Share of the noise that a gate allows which activations of 8 bits may make; the rest is left to the weights. */
const SHARE = 0.5;

/** Activations by what rounding them costs, those that share a scale together, and how many of these have 16 bits. */
export interface Wide {
  groups: Group[];
  count: number;
}

interface Group {
  tensors: string[];
  /** Noise over signal at the outputs when these alone are rounded. */
  noise: number;
}

/**
 * Gives the activations that cost most 16 bits: as many at once as the gate needs by the sum of what the others cost,
 * then twice as many each time. On a chip without 16-bit products their layers would compute in float
 * anyhow, so there is nothing to do there.
 */
export async function widenCostliest(draft: Draft): Promise<Draft | undefined> {
  if (!canWiden(draft)) return undefined;
  const { groups, count: before } = draft.wide ?? { groups: await ranked(draft), count: 0 };
  const needed = neededFor(draft.job.options.minSqnr, groups);
  const count = Math.min(groups.length, Math.max(FIRST, 2 * before, needed));
  if (count <= before) return undefined;
  const base = await atOpset(draft, WIDE_OPSET);
  const input = { ...base.input, wide: new Set(groups.slice(0, count).flatMap((g) => g.tensors)) };
  return settled({ ...replan(base, { input }), wide: { groups, count } }, draft);
}

/** How many of the costliest have to be widened for the others to stay within their share of what the gate allows. */
export function neededFor(minSqnr: number | undefined, groups: readonly Pick<Group, 'noise'>[]): number {
  if (minSqnr === undefined) return 0;
  let count = groups.length;
  for (let left = SHARE * 10 ** (-minSqnr / 10); count > 0; count--) {
    left -= groups[count - 1].noise;
    if (left < 0) break;
  }
  return count;
}

function canWiden({ plan, job: { target } }: Draft): boolean {
  const rows = plan.activations.map((a) => findFormat(a.format));
  const computes = target.timing === 'measured' || target.peak.int16 !== undefined;
  return computes && rows.some((row) => row?.kind === 'integer' && row.bits === 8);
}

async function ranked(draft: Draft): Promise<Group[]> {
  const damages = await activationDamages(draft, { source: draft.source, limit: SAMPLES });
  const groups = new Map<string, Group>();
  for (const { tensor, sharedWith = tensor } of draft.plan.activations) {
    const group = groups.get(sharedWith) ?? { tensors: [], noise: 0 };
    groups.set(sharedWith, group);
    group.tensors.push(tensor);
    group.noise += damages.get(tensor)!.noise;
  }
  return [...groups.values()].sort((a, b) => b.noise - a.noise);
}

/** The draft with its model raised to an opset; what it names stays. */
export async function atOpset(draft: Draft, opset: number): Promise<Draft> {
  const { job, input, source } = draft;
  if (opsetVersion(job.prepared) >= opset) return draft;
  const { model } = await prepare(job.prepared, { opset });
  const types = await typesFor(model, source);
  return { ...draft, job: { ...job, prepared: model }, types, input: { ...input, model, types } };
}
