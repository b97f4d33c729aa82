import { format } from '../../../kernels/formats.js';
import { elementOf } from '../../../kernels/grid.js';
import { planGains, planRescalings, rescaled, rescaledSpreads } from '../../equalize/index.js';
import type { Grids, Rescaling } from '../../equalize/types.js';
import type { Diagnostic } from '../../errors.js';
import { activationsOn, candidates } from '../../plan/index.js';
import { type Draft, firstDraft, replan } from '../draft.js';
import { note } from '../stages.js';

const STATISTICS_OF_THE_MODEL_AS_IT_IS: Diagnostic = {
  level: 'note',
  code: 'EQUALIZATION_SKIPPED',
  message: 'channels are not rescaled, since the statistics that were given speak of the model as it is',
};

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

/** Rescales the draft's model further, and calibrates and plans anew. */
async function rescaledDraft(draft: Draft, more: Rescaling[]): Promise<Draft | undefined> {
  if (more.length === 0) return undefined;
  const { job, source } = draft;
  const { model, types } = rescaled(job.prepared, draft.types, more);
  // Statistics that were gathered for several plans speak of the model as it was.
  const options = { ...job.options, sharedStats: undefined };
  const spreads = rescaledSpreads(job.spreads, more);
  const anew = await firstDraft({ job: { ...job, options, prepared: model, spreads }, source, types });
  const { keepFloat, floatReasons } = draft.input;
  const next = replan(anew, { input: { ...anew.input, keepFloat, floatReasons } });
  const equalization = [...(draft.plan.equalization ?? []), ...more];
  return { ...next, plan: { ...next.plan, equalization } };
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
