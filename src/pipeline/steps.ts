import { format } from '../../kernels/formats.js';
import { elementOf } from '../../kernels/grid.js';
import { planRescalings, rescaled } from '../equalize/index.js';
import type { Grids } from '../equalize/types.js';
import type { Diagnostic } from '../errors.js';
import { activationsOn, candidates } from '../plan/index.js';
import { type Draft, firstDraft, meansFor } from './draft.js';
import { roundByOutputs } from './rounding.js';
import { note } from './stages.js';

export const EFFORTS = ['fast', 'balanced', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

/** Something that may make a draft better. It is tried on a few calibration samples and kept where it gains. */
export interface Step {
  id: string;
  /** What it does, as reports say it. */
  description: string;
  /** The least effort that tries it. With `--auto` a gate that fails has the others tried too. */
  effort: Effort;
  /** The draft with this step taken; undefined where there is nothing to do. */
  attempt(draft: Draft): Promise<Draft | undefined>;
}

/** In the order in which they are tried: later ones build on what earlier ones left. */
export const STEPS: readonly Step[] = [
  {
    id: 'equalize',
    description: 'channels rescaled so that those of one scale have even ranges',
    effort: 'balanced',
    attempt: equalize,
  },
  {
    id: 'rounding',
    description: 'weights rounded together, so that the outputs of their layers err least',
    effort: 'balanced',
    attempt: roundByOutputs,
  },
  {
    id: 'bias',
    description: 'the drift of rounding taken out of the biases',
    effort: 'balanced',
    attempt: correctBiases,
  },
];

const STATISTICS_OF_THE_MODEL_AS_IT_IS: Diagnostic = {
  level: 'note',
  code: 'EQUALIZATION_SKIPPED',
  message: 'channels are not rescaled, since the statistics that were given speak of the model as it is',
};

async function equalize(draft: Draft): Promise<Draft | undefined> {
  const { job, source, types, plan } = draft;
  const grids = gridsOf(draft);
  if (!grids || plan.equalization) return undefined;
  if (job.options.stats) {
    note(job, STATISTICS_OF_THE_MODEL_AS_IT_IS);
    return undefined;
  }
  const equalization = await planRescalings(job.prepared, types, source, {
    grids,
    threads: job.options.threads,
  });
  if (equalization.length === 0) return undefined;
  const prepared = rescaled(job.prepared, types, equalization);
  const options = { ...job.options, sharedStats: undefined };
  const next = await firstDraft({ job: { ...job, options, prepared }, source, types });
  return { ...next, plan: { ...next.plan, equalization } };
}

/** Undefined where activations stay float, and for float formats, whose steps grow with the values. */
function gridsOf({ input, job }: Draft): Grids | undefined {
  const tensors = candidates(input);
  const { symmetric } = job.target.activations;
  if (tensors.length === 0) return undefined;
  const [activation, weight] = [format(activationsOn(job.scheme, job.target)), elementOf(job.scheme.weights)];
  if (activation.kind !== 'integer' || weight.kind !== 'integer') return undefined;
  return {
    quantized: new Set(tensors),
    symmetric,
    steps: symmetric ? activation.symmetricMax - activation.symmetricMin : activation.qmax - activation.qmin,
    weightSteps: weight.symmetricMax,
    perChannel: job.scheme.granularity.kind !== 'perlayer',
  };
}

/**
 * Helps most networks, and hurts some whose answer lies in rare values (the one face in an image). Made-up samples say
 * nothing about means.
 */
async function correctBiases(draft: Draft): Promise<Draft | undefined> {
  if (draft.source.kind !== 'real' || draft.plan.biasCorrection || draft.plan.biases.length === 0)
    return undefined;
  const means = await meansFor(draft);
  if (means.size === 0) return undefined;
  return { ...draft, plan: { ...draft.plan, biasCorrection: true }, means };
}
