import type { Model } from '../ir/model.js';
import { type LoadedModel, loadModel } from '../onnx/index.js';
import { draftPlan } from '../plan/index.js';
import { quantizedNodes } from '../prepare/index.js';
import { buildReport, distributions } from '../report/index.js';
import type { Report } from '../report/types.js';
import { latency } from './compare.js';
import { provenance, type Reported } from './detail.js';
import type { JobOptions } from './options.js';
import { samplesOf } from './samples.js';
import { planInput, prepareFor, resolveTarget, typesFor } from './stages.js';

/**
 * Size, speed and power of any model on a target; needs no data, and of large tensors only shapes. A float model is
 * reported before and after the scheme; one that has Q/DQ pairs, and any model on a target whose speed can only be
 * measured, as it stands.
 */
export const report = async (options: JobOptions): Promise<Report> =>
  (await reportWithDetail(options)).report;

/** The same, with what a page shows besides. */
export async function reportWithDetail(options: JobOptions): Promise<Reported> {
  const loaded = loadModel(options.model, { shapesOnly: true });
  const { timing } = resolveTarget(options.target);
  const asItStands = timing === 'measured' || quantizedNodes(loaded.model).length > 0;
  return asItStands ? reportAsIs(options, loaded) : reportPlanned(options, loaded);
}

async function reportAsIs(options: JobOptions, loaded: LoadedModel): Promise<Reported> {
  const { model } = loaded;
  const target = resolveTarget(options.target);
  const source = await madeUp(options, model);
  const built = buildReport({
    name: options.model,
    loaded,
    prepared: model,
    types: await typesFor(model, source),
    target,
    latency: target.timing === 'measured' ? await latency(model, undefined, source, options) : undefined,
  });
  const detail = async () => ({ report: built, distributions: [], provenance: provenance(options) });
  return { report: built, detail };
}

async function reportPlanned(options: JobOptions, loaded: LoadedModel): Promise<Reported> {
  const job = await prepareFor(options, loaded);
  const types = await typesFor(job.prepared, await madeUp(options, job.prepared));
  const plan = draftPlan(planInput(job, types), loaded.sha256);
  const built = buildReport({
    name: options.model,
    loaded,
    prepared: job.prepared,
    types,
    target: job.target,
    plan,
  });
  const detail = async () => ({
    report: built,
    plan,
    distributions: distributions(job.prepared, plan),
    provenance: provenance(options),
  });
  return { report: built, detail };
}

/** One input of the right shapes; its values do not matter here. */
const madeUp = (options: JobOptions, model: Model) => samplesOf({ ...options, limit: 1 }, model, undefined);
