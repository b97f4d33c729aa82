import { format } from '../../../kernels/formats.js';
import { elementOf } from '../../../kernels/grid.js';
import {
  absorb,
  absorbedSpreads,
  planAbsorptions,
  planGains,
  planRescalings,
  planRestored,
  rescaled,
  rescaledSpreads,
  restoredNode,
} from '../../equalize/index.js';
import type { Grids, Rescaling } from '../../equalize/types.js';
import type { Diagnostic } from '../../errors.js';
import type { Model } from '../../ir/model.js';
import { activationsOn, candidates } from '../../plan/index.js';
import type { Plan } from '../../plan/types.js';
import { type Draft, firstDraft, replan } from '../draft.js';
import { type Job, note } from '../stages.js';
import { GATE_REASON, gatedProducts } from './gated.js';

const STATISTICS_OF_THE_MODEL_AS_IT_IS: Diagnostic = {
  level: 'note',
  code: 'EQUALIZATION_SKIPPED',
  message:
    'channels are not moved or rescaled, since the statistics that were given speak of the model as it is',
};

/**
 * Ahead of `equalize`, which then evens out what is left: behind it all channels reach equally far, and a range is only
 * narrower when every one of them gives something up.
 */
export async function absorbBiases(draft: Draft): Promise<Draft | undefined> {
  const { job, source, types, plan } = draft;
  const { prepared, spreads, options } = job;
  const grids = gridsOf(draft);
  if (!grids?.steps || plan.absorption || plan.equalization || options.stats) return undefined;
  const settings = { grids, spreads, threads: options.threads };
  const absorption = await planAbsorptions(prepared, types, source, settings);
  if (absorption.length === 0) return undefined;
  const after = absorbedSpreads(prepared, types, spreads, absorption);
  return moved(draft, { model: absorb(prepared, types, absorption), types, spreads: after }, { absorption });
}

/** Channels of one scale get even ranges; nothing where activations are not rounded to integers. */
export async function equalize(draft: Draft): Promise<Draft | undefined> {
  const { job, source, types, plan } = draft;
  const grids = gridsOf(draft);
  if (!grids?.steps || plan.equalization) return undefined;
  if (job.options.stats) {
    note(job, STATISTICS_OF_THE_MODEL_AS_IT_IS);
    return undefined;
  }
  const { threads } = job.options;
  return rescaledDraft(draft, await planRescalings(job.prepared, types, source, { grids, threads }));
}

/**
 * Weights of loud inputs scaled up (AWQ), where weights alone are rounded, and each for itself: rounding by outputs already
 * makes up for loud inputs, and ended worse behind this (int3-block32 of a small language model lost 0.31 nats where it
 * lost 0.28 without).
 */
export async function scaleByInputs(draft: Draft): Promise<Draft | undefined> {
  const { job, source, types, plan } = draft;
  const grids = gridsOf(draft);
  if (!grids || grids.steps > 0 || plan.equalization || draft.rounded || job.options.stats) return undefined;
  const { threads } = job.options;
  return rescaledDraft(draft, await planRescalings(job.prepared, types, source, { grids, threads }));
}

/** A multiplication behind operators that rescaling does not pass, where it brings enough. */
export async function addGains(draft: Draft): Promise<Draft | undefined> {
  const { job, source, types } = draft;
  const grids = gridsOf(draft);
  if (!grids?.steps || job.options.stats) return undefined;
  const { threads } = job.options;
  return rescaledDraft(draft, await planGains(job.prepared, types, source, { grids, threads }));
}

const DIVIDED = 'gives channels their own sizes back behind the rounding';

/**
 * Where layers write nothing but integers, what a gate (SiLU) reads is rounded with one scale for all channels: each
 * channel gets the whole range there, and its own size back in float, with gate and product in float as well. What the
 * product makes is multiplied as `addGains` does, since neither helps while the other is missing.
 */
export async function evenGates(draft: Draft): Promise<Draft | undefined> {
  const { job, source, types, plan, input } = draft;
  const { prepared, options, target } = job;
  const grids = gridsOf(draft);
  if (!grids?.steps || options.stats || target.kernelOutputs !== 'integer') return undefined;
  // Its 16 bits keep more, and take one rounding where this takes two multiplications.
  if (options.auto) return undefined;
  const gated = new Set(gatedProducts(prepared, plan));
  const tensors = prepared.graph.nodes.flatMap((n) => (gated.has(n.name ?? '') ? n.inputs : []));
  const { threads } = options;
  const divided = await planRestored(prepared, types, source, { tensors, threads });
  if (divided.length === 0) return undefined;
  const given = rescaled(prepared, types, divided);
  const gains = await planGains(given.model, given.types, source, { grids, threads });
  const reasons: [string, string][] = [
    ...[...gated].map((name): [string, string] => [name, GATE_REASON]),
    ...divided.map(({ tensors: [tensor] }): [string, string] => [restoredNode(tensor), DIVIDED]),
  ];
  const floatReasons = new Map([...(input.floatReasons ?? []), ...reasons]);
  const keepFloat = new Set([...input.keepFloat, ...reasons.map(([name]) => name)]);
  return rescaledDraft({ ...draft, input: { ...input, keepFloat, floatReasons } }, [...divided, ...gains]);
}

/** Rescales the draft's model further. */
async function rescaledDraft(draft: Draft, more: Rescaling[]): Promise<Draft | undefined> {
  if (more.length === 0) return undefined;
  const { prepared, spreads } = draft.job;
  const { model, types } = rescaled(prepared, draft.types, more);
  const equalization = [...(draft.plan.equalization ?? []), ...more];
  return moved(draft, { model, types, spreads: rescaledSpreads(spreads, more) }, { equalization });
}

/** Calibrates and plans anew for a model that computes what the draft's does, by other channels. */
async function moved(
  draft: Draft,
  { model, types, spreads }: { model: Model; types: Draft['types']; spreads: Job['spreads'] },
  how: Pick<Plan, 'absorption' | 'equalization'>,
): Promise<Draft> {
  const { job, source } = draft;
  // Statistics that were gathered for several plans speak of the model as it was.
  const options = { ...job.options, sharedStats: undefined };
  const anew = await firstDraft({ job: { ...job, options, prepared: model, spreads }, source, types });
  const { keepFloat, floatReasons } = draft.input;
  const next = replan(anew, { input: { ...anew.input, keepFloat, floatReasons } });
  const { absorption } = draft.plan;
  return { ...next, plan: { ...next.plan, ...(absorption && { absorption }), ...how } };
}

/** Undefined for float formats, whose steps grow with the values, and where made-up samples would say what is loud. */
function gridsOf({ input, job, plan, source }: Draft): Grids | undefined {
  const tensors = candidates(input);
  const { scheme, target } = job;
  const { symmetric } = target.activations;
  const weight = elementOf(scheme.weights);
  if (weight.kind !== 'integer' || plan.weights.length === 0) return undefined;
  const grids = {
    quantized: new Set(tensors),
    symmetric,
    weightSteps: weight.symmetricMax,
    perChannel: scheme.granularity.kind !== 'perlayer',
    ...(scheme.granularity.kind === 'block' && { block: scheme.granularity.size }),
  };
  if (tensors.length === 0) return source.kind === 'real' ? { ...grids, steps: 0 } : undefined;
  const activation = format(activationsOn(scheme, target));
  if (activation.kind !== 'integer') return undefined;
  const steps = symmetric
    ? activation.symmetricMax - activation.symmetricMin
    : activation.qmax - activation.qmin;
  return { ...grids, steps };
}
