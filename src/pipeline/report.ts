import type { Target } from '../../targets/types.js';
import { thisMachine } from '../benchmark/index.js';
import { usageError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { type LoadedModel, loadModel } from '../onnx/index.js';
import { draftPlan } from '../plan/index.js';
import { quantizedNodes } from '../prepare/index.js';
import { buildReport, distributions } from '../report/index.js';
import type { Report } from '../report/types.js';
import { provenance, type Reported } from './detail.js';
import { type JobOptions, runSettings } from './options.js';
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
export async function reportWithDetail(given: JobOptions): Promise<Reported> {
  const loaded = loadModel(given.model, { shapesOnly: true });
  const options = withSequence(given, loaded.model);
  const target = await modelledTarget(options);
  return quantizedNodes(loaded.model).length > 0
    ? reportAsIs(options, loaded, target)
    : reportPlanned(options, loaded, target);
}

/** The target; this machine as the chip that timings of small layers make of it. */
async function modelledTarget({ target, threads, onProgress }: JobOptions): Promise<Target> {
  const named = resolveTarget(target);
  if (named.timing === 'modelled') return named;
  return thisMachine(threads, () => onProgress?.({ stage: 'time small layers on this machine, once' }));
}

async function reportAsIs(options: JobOptions, loaded: LoadedModel, target: Target): Promise<Reported> {
  const { model } = loaded;
  const source = await madeUp(options, model);
  const built = buildReport({
    name: options.model,
    loaded,
    prepared: model,
    types: await typesFor(model, source),
    target,
    settings: runSettings(options),
  });
  const detail = async () => ({ report: built, distributions: [], provenance: provenance(options) });
  return { report: built, detail };
}

async function reportPlanned(options: JobOptions, loaded: LoadedModel, target: Target): Promise<Reported> {
  const job = await prepareFor(options, loaded);
  if (job.scheme.mixed)
    throw usageError(
      'MIXED_WITHOUT_DATA',
      `${job.scheme.name} gives each layer its format by what samples show, and a report takes none`,
      {
        hint: 'add --budget and samples to the main job, whose report has it; or name a scheme of one format',
      },
    );
  const types = await typesFor(job.prepared, await madeUp(options, job.prepared));
  const plan = draftPlan(planInput(job, types), loaded.sha256);
  const built = buildReport({
    name: options.model,
    loaded,
    prepared: job.prepared,
    types,
    target: { ...target, activations: job.target.activations },
    plan,
    settings: runSettings(options),
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

/** Names that exporters give the dimension that counts tokens. */
const SEQUENCE_NAME = /seq|len|token|time|frame/i;

/**
 * Sets every symbolic dimension of the inputs that counts tokens, by its name, besides those that were set by name.
 * @throws QuantizeError SEQUENCE_UNKNOWN (usage) when there is none
 */
function withSequence(options: JobOptions, { graph }: Model): JobOptions {
  const { sequence, dims } = options;
  if (sequence === undefined) return options;
  const symbols = graph.inputs.flatMap((i) =>
    (i.type?.tensor?.shape?.dims ?? []).flatMap((d) => d.param ?? []),
  );
  const counted = symbols.filter((name) => SEQUENCE_NAME.test(name));
  if (counted.length === 0)
    throw usageError('SEQUENCE_UNKNOWN', 'no open dimension of the inputs counts tokens by its name', {
      hint:
        symbols.length > 0
          ? `set it by name: --dim ${symbols[0]}=${sequence} (open: ${[...new Set(symbols)].join(', ')})`
          : 'every dimension of its inputs is fixed',
    });
  return { ...options, dims: { ...Object.fromEntries(counted.map((name) => [name, sequence])), ...dims } };
}
