import { gateError, type QuantizeError } from '../../errors.js';
import { modelMacs } from '../../report/index.js';
import type { Loss } from '../../report/types.js';
import { decibel } from '../../report/units.js';
import type { Damage } from '../../sensitivity/types.js';
import { lowestSqnr } from '../../verify/index.js';
import type { Draft } from '../draft.js';
import type { Outcome } from '../produce.js';
import { evaluationSet, samplesOf } from '../samples.js';
import { activationDamages, weightDamages } from './damages.js';

/** A worst output below this asks for an explanation where no labels say what it means, in dB. */
const POOR_DB = 25;
/** Samples that it is looked for on: what one thing costs differs more between things than between samples. */
const SAMPLES = 2;
/** Multiplications that the search may take, some tens of seconds, where no gate asks for it. */
const SEARCH_MACS = 5e11;
/** As many as help to see what to do. */
const SHOWN = 10;

/**
 * Which activations and weights keep a model from what was asked of it: those that cost the outputs most when they alone
 * are rounded. Nothing where the outputs are good and no gate failed.
 */
export async function lossesOf(
  draft: Draft,
  { metrics, failure }: Pick<Outcome, 'metrics' | 'failure'>,
): Promise<Loss[]> {
  const { plan, job, types } = draft;
  const worst = lowestSqnr(metrics.outputs.map((o) => o.sqnrDb));
  const poor = !metrics.top1 && worst !== undefined && worst !== null && worst < POOR_DB;
  const trials = plan.activations.length + plan.weights.length;
  const dear = trials * SAMPLES * modelMacs(job.prepared, types) > SEARCH_MACS;
  if (trials === 0 || (!failure && (!poor || dear))) return [];
  const { samples } = evaluationSet(job.options);
  const source = samples ? await samplesOf(job.options, job.prepared, samples) : draft.source;
  const judges = { source, limit: SAMPLES };
  const producer = new Map(
    job.prepared.graph.nodes.flatMap((n) => n.outputs.map((o) => [o, n.name ?? ''] as const)),
  );
  const found = [
    ...[...(await activationDamages(draft, judges))].map(([tensor, damage]) =>
      lossOf('activation', tensor, producer.get(tensor) ?? '', damage),
    ),
    ...[...(await weightDamages(draft, judges))].map(([{ tensor, uses }, damage]) =>
      lossOf('weight', tensor, uses[0].node, damage),
    ),
  ];
  const total = found.reduce((sum, { noise }) => sum + noise, 0);
  return found
    .filter(({ noise }) => noise > 0)
    .sort((a, b) => b.noise - a.noise)
    .slice(0, SHOWN)
    .map(({ noise, ...loss }) => ({ ...loss, share: noise / total }));
}

const lossOf = (kind: Loss['kind'], tensor: string, node: string, { sqnrDb, noise }: Damage) => ({
  ...{ kind, tensor, node },
  outputDb: sqnrDb,
  noise,
});

/** Losses that a sentence names. */
const NAMED = 3;

/** A failed gate, which also names what the most is lost in. */
export function explained(failure: QuantizeError, losses: readonly Loss[]): QuantizeError {
  if (losses.length === 0) return failure;
  const named = losses
    .slice(0, NAMED)
    .map((l) => `${l.kind} "${l.tensor}"${l.node ? ` of ${l.node}` : ''} (${decibel(l.outputDb)} alone)`);
  const { code, message, where, hint } = failure;
  return gateError(code, message, {
    where,
    hint: `most is lost in ${named.join(', ')}${hint ? `; ${hint}` : ''}`,
  });
}
