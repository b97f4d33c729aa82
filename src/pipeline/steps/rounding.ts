import { elementOf } from '../../../kernels/grid.js';
import { emitQdq } from '../../emit/index.js';
import { executable } from '../../plan/index.js';
import type { Plan, Rounding, WeightPlan } from '../../plan/types.js';
import {
  MAX_SAMPLES,
  quantizeNumbers,
  type RoundedWeights,
  roundWeights,
  turnsOf,
  weightKey,
} from '../../quantize/index.js';
import { modelMacs } from '../../report/index.js';
import { type Draft, meansFor } from '../draft.js';
import { restOf } from '../trial.js';
import { mayTrainBlocks } from './blocks.js';

/** Weights of so many bits and fewer gain by it; wider ones err too little to matter. */
const MOST_BITS = 8;
/** Grids of so few codes are worth a zero point where arithmetic is float. */
export const NARROW_BITS = 7;
/**
 * Passes × samples × MACs of a run up to which layers are rounded in turn: some seconds. With `--effort max` all are, but
 * not where blocks are trained behind it: they then find nothing more, and end short of where they come to from layers that
 * were rounded apart (mobilenetv2-7 with 4-bit weights: 11.3 dB in turn, 11.9 dB apart with blocks).
 */
const IN_TURN_MACS = 1e11;

/**
 * Rounds weights so that the outputs of their layers err least. Made-up samples say nothing about second moments.
 * Biases make up for the mean errors, so those do not count, and rounding comes with the correction of biases.
 * Where arithmetic is float a zero point costs nothing, so grids of few codes get one.
 */
export async function roundByOutputs(draft: Draft): Promise<Draft | undefined> {
  const affordable = macsInTurn(draft) <= IN_TURN_MACS;
  const thorough = draft.job.options.effort === 'max' && !affordable && !(await mayTrainBlocks(draft));
  return roundLayers(draft, affordable || thorough);
}

/** Each layer by itself, all weights: where rounding in turn fitted the samples and not the network. */
export const roundApart = (draft: Draft): Promise<Draft | undefined> => roundLayers(draft, false);

async function roundLayers(draft: Draft, inTurn: boolean): Promise<Draft | undefined> {
  const { job, plan, source, types } = draft;
  if (source.kind !== 'real' || draft.rounded) return undefined;
  const rounding: Rounding = inTurn ? 'sequential' : 'hessian';
  const chosen = new Set(plan.weights.filter(gains));
  if (turnsOf(job.prepared, [...chosen], types) === 0) return undefined;
  const weights = plan.weights.map((w) =>
    chosen.has(w) ? { ...w, rounding, symmetric: w.symmetric && !mayShift(w) } : w,
  );
  const biasCorrection = plan.biases.length > 0;
  const next = { ...draft, plan: { ...plan, weights, biasCorrection } };
  return {
    ...next,
    rounded: await roundedFor(next),
    means: biasCorrection ? (draft.means ?? (await meansFor(next))) : undefined,
  };
}

function macsInTurn({ job, plan, source, types }: Draft): number {
  const samples = Math.min(source.count ?? MAX_SAMPLES, MAX_SAMPLES);
  return turnsOf(job.prepared, plan.weights, types) * samples * modelMacs(job.prepared, types);
}

const gains = ({ format, rounding, sparsity }: WeightPlan): boolean =>
  rounding === undefined && (sparsity !== undefined || elementOf(format).bits <= MOST_BITS);

/** Whether a weight may have zero points. What is left out of a sparse one is the code 0. */
export const mayShift = ({ format, weightOnly, form, sparsity }: WeightPlan): boolean =>
  weightOnly &&
  sparsity === undefined &&
  form === 'linear' &&
  elementOf(format).kind === 'integer' &&
  elementOf(format).bits <= NARROW_BITS;

/**
 * The weights that the plan has rounded by their layers' outputs.
 * @param known those of an earlier draft that would come out the same (see `settled`)
 */
export async function roundedFor(
  { job, plan, source, types }: Pick<Draft, 'job' | 'plan' | 'source' | 'types'>,
  known: RoundedWeights = new Map(),
): Promise<RoundedWeights> {
  const { threads, signal, onProgress } = job.options;
  const fit = restOf(source);
  const by = (wanted: Rounding) => plan.weights.filter((w) => w.rounding === wanted);
  const options = {
    centred: centredIn(plan),
    threads,
    signal,
    onProgress: (done: number, total: number) => onProgress?.({ stage: 'rounding', done, total }),
  };
  const soFar = (rounded: RoundedWeights, left: ReadonlySet<string>) => {
    const weights = plan.weights.filter((w) => !left.has(weightKey(w)));
    const part = executable({ ...plan, weights, biases: [] });
    return emitQdq(job.prepared, part, quantizeNumbers(job.prepared, part, undefined, rounded).numbers);
  };
  const apart = await roundWeights(job.prepared, by('hessian'), types, fit, { ...options, known });
  return roundWeights(job.prepared, by('sequential'), types, fit, { ...options, known: apart, soFar });
}

/** Weights for whose mean errors biases make up. */
export const centredIn = ({ biasCorrection, biases }: Plan): Set<string> =>
  new Set(biasCorrection ? biases.map((b) => b.weight) : []);
