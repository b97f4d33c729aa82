import type { SampleSource } from '../data/types.js';
import { usageError } from '../errors.js';
import { cloneModel } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { floatTensor } from '../ir/tensor.js';
import { actionFor } from '../sensitivity/index.js';
import type { LayerSensitivity, Sensitivity } from '../sensitivity/types.js';
import { compareLayers } from '../verify/index.js';
import { DEFAULT_CANDIDATES, ownCandidate, parseCandidates } from './damage/candidates.js';
import { addForecasts } from './damage/fisher.js';
import { DAMAGE_SAMPLES, type Profile, profileOf, withActivations } from './damage/profile.js';
import { type Draft, firstDraft } from './draft.js';
import type { JobOptions } from './options.js';
import { calibrationSource, evaluationSet, labelsFor, samplesOf } from './samples.js';
import { type Job, openJob, stopIfAborted, typesFor } from './stages.js';

export type { Sensitivity } from '../sensitivity/types.js';

/** Samples that the error accumulated through depth is measured on. */
const DEPTH_SAMPLES = 2;

/**
 * Which layer costs what: for every weight and candidate format the damage at its own output, accumulated up to there,
 * and at the outputs of the model, and for every rounded activation the latter.
 * @throws QuantizeError NOTHING_TO_MEASURE (usage)
 */
export async function sensitivity(options: JobOptions): Promise<Sensitivity> {
  const job = await openJob(options);
  const source = await calibrationSource(job);
  const types = await typesFor(job.prepared, source);
  return sensitivityOf(await firstDraft({ job, source, types }));
}

async function sensitivityOf(draft: Draft): Promise<Sensitivity> {
  const { job, plan, source } = draft;
  const { options } = job;
  const own = ownCandidate(draft);
  const candidates = parseCandidates([...(options.candidates ?? DEFAULT_CANDIDATES), own]);
  const judging = { ...(await judges(job, source)), limit: options.limit ?? DAMAGE_SAMPLES };
  const found = await profileOf(draft, candidates, judging);
  if (found.layers.size === 0)
    throw usageError('NOTHING_TO_MEASURE', 'no layer of the model has a weight that this scheme quantizes');
  const fisher = options.fisher ? await addForecasts(draft, found, judging) : undefined;
  const layers = withActions(found, own);
  for (const { id } of candidates) await accumulate(draft, found, id, layers);
  const noise = layers.reduce(
    (sum, l) => sum + l.candidates.find((c) => c.candidate === own)!.global.noise,
    found.activationsOnly.noise,
  );
  return {
    schema: 'onnx-quantize/sensitivity@1',
    model: { name: options.model, sha256: job.loaded.sha256 },
    target: job.target.id,
    scheme: job.scheme.name,
    samples: found.samples,
    evidence: source.kind,
    candidates: candidates.map((c) => c.id),
    own,
    activationsOnly: found.activationsOnly,
    predictedDb: noise > 0 ? -10 * Math.log10(noise) : null,
    ...(fisher && { fisher }),
    layers,
    activations: plan.activations.map(({ tensor, format }) => ({
      tensor,
      format,
      global: found.activations.get(tensor)!,
    })),
    propagation: await propagation(draft, found, own),
  };
}

/** Labelled samples where they are given, else those of the calibration. */
async function judges(job: Job, source: SampleSource) {
  const { samples, labels } = evaluationSet(job.options);
  if (!samples || !labels) return { source };
  const given = await samplesOf(job.options, job.prepared, samples);
  return { source: given, labels: await labelsFor(labels, given) };
}

function withActions(found: Profile, own: string): LayerSensitivity[] {
  const layers = [...found.layers.values()];
  const total = layers.reduce(
    (sum, l) => sum + (l.candidates.find((c) => c.candidate === own)?.global.noise ?? 0),
    found.activationsOnly.noise,
  );
  return layers.map((layer) => {
    const read = layer.activations.map((tensor) => found.activations.get(tensor)!);
    return { ...layer, action: actionFor({ ...layer, activations: read }, own, total) };
  });
}

/** Adds to each layer what is lost up to its output when every weight has this format. */
async function accumulate(
  draft: Draft,
  found: Profile,
  id: string,
  layers: readonly LayerSensitivity[],
): Promise<void> {
  const nodes = new Map(draft.job.prepared.graph.nodes.map((n) => [n.name, n]));
  const outputOf = ({ node }: LayerSensitivity) => nodes.get(node)?.outputs[0] ?? '';
  const tensors = [...new Set(layers.map(outputOf))].filter((t) => draft.types.get(t)?.dtype === 'float32');
  const errors = await errorsInside(draft, found, id, tensors);
  const byTensor = new Map(errors.map((e) => [e.tensor, e.sqnrDb]));
  for (const layer of layers) {
    const candidate = layer.candidates.find((c) => c.candidate === id)!;
    candidate.accumulatedDb = byTensor.get(outputOf(layer));
  }
}

const propagation = async (draft: Draft, found: Profile, own: string): Promise<Sensitivity['propagation']> =>
  (await errorsInside(draft, found, own)).map(({ tensor, sqnrDb, entropyBits, mutualBits }) => ({
    tensor,
    sqnrDb,
    entropyBits,
    mutualBits,
  }));

function errorsInside(draft: Draft, found: Profile, id: string, tensors?: string[]) {
  const { job, types, source } = draft;
  const { threads, signal } = job.options;
  stopIfAborted(signal);
  job.options.onProgress?.({ stage: `error through depth: ${id}` });
  return compareLayers({
    float: job.prepared,
    quantized: allIn(draft, found, id),
    types,
    source,
    tensors,
    limit: DEPTH_SAMPLES,
    threads,
    signal,
  });
}

/** The model with activations rounded and every weight in one format. */
function allIn(draft: Draft, found: Profile, id: string): Model {
  const model = cloneModel(withActivations(draft));
  const values = new Map([...found.variants.get(id)!.values()].map((v) => [v.plan.tensor, v.values]));
  model.graph.initializers = model.graph.initializers.map((t) => {
    const rounded = values.get(t.name ?? '');
    return rounded ? floatTensor(t.name ?? '', t.dims, rounded) : t;
  });
  return model;
}
