import { elementCount } from '../ir/tensor.js';
import { loadModel } from '../onnx/index.js';
import { draftPlan, parseScheme, SCHEMES } from '../plan/index.js';
import type { Scheme, WeightPlan } from '../plan/types.js';
import { inferTypes } from '../prepare/index.js';
import { type Survey, Weights } from '../report/survey/index.js';
import type { JobOptions } from './options.js';
import { type Job, planInput, prepareFor, stopIfAborted } from './stages.js';

export type { Survey } from '../report/survey/index.js';

/** Grids that rounding is shown on: the steps of 8 bits, and steps that are large beside the weights. */
const ROUNDED: readonly string[] = ['int8-perchannel', 'int4-block32', 'fp8-perchannel', 'nvfp4'];
/** The grid that shows how weights lie between the extremes of their channel. */
const SHOWN = 'int8-perchannel';

/**
 * What each format would make of a model's own weights, stored and not computed with: needs no data.
 * `formats` and `roundingBias` of the options say what is asked for.
 * @throws QuantizeError WEIGHT_NOT_FINITE (invalid), ALREADY_QUANTIZED (unsupported)
 */
export async function survey(options: JobOptions): Promise<Survey> {
  const loaded = loadModel(options.model);
  const job = await prepareFor(options, loaded);
  const plansOf = await planner(job);
  const schemes = listed(options);
  const step = (done: number) => {
    stopIfAborted(options.signal);
    options.onProgress?.({ stage: 'survey', done, total: schemes.length });
  };
  const shown = plansOf(storedOnly(SHOWN));
  const weights = new Weights(job.prepared, shown.length);
  const formats = schemes.map((scheme, i) => {
    step(i);
    return weights.format(scheme.name, descriptionOf(scheme), plansOf(scheme));
  });
  const rounded = options.roundingBias ? ROUNDED.map(storedOnly) : [];
  return {
    schema: 'onnx-quantize/survey@1',
    file: options.model,
    sha256: loaded.sha256,
    weights: shown.length,
    values: valuesOf(job, shown),
    ...weights.distribution(shown),
    ...(options.formats && { formats }),
    ...(options.roundingBias && {
      rounding: rounded.map((s) => weights.rounding(s.name, plansOf(s), options.seed ?? 0)),
    }),
  };
}

/** Each weight format and granularity of the listing once. */
function listed({ formats }: JobOptions): Scheme[] {
  const schemes = new Map<string, Scheme>();
  for (const { id } of formats ? SCHEMES : []) {
    const scheme = storedOnly(id);
    if (!schemes.has(scheme.name)) schemes.set(scheme.name, scheme);
  }
  return [...schemes.values()];
}

/** The scheme with activations in float, named by its weights. */
function storedOnly(id: string): Scheme {
  const scheme = parseScheme(id);
  const parts = id.split('-');
  const name = parts.length === 1 ? id : `${parts[0]}-${parts.at(-1)}`;
  return { ...scheme, name, activations: 'none' };
}

const descriptionOf = ({ name }: Scheme): string => SCHEMES.find((s) => s.id === name)?.description ?? '';

/** Weight plans of any scheme; the types of values are inferred once. */
async function planner(job: Job): Promise<(scheme: Scheme) => WeightPlan[]> {
  const types = await inferTypes(job.prepared);
  return (scheme) => draftPlan(planInput({ ...job, scheme }, types), job.loaded.sha256).weights;
}

const valuesOf = ({ prepared }: Job, plans: readonly WeightPlan[]): number => {
  const names = new Set(plans.map((p) => p.tensor));
  return prepared.graph.initializers
    .filter((t) => names.has(t.name ?? ''))
    .reduce((sum, t) => sum + elementCount(t.dims), 0);
};
