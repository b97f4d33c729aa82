import { QuantizeError } from '../../errors.js';
import { elementCount } from '../../ir/tensor.js';
import { modelMacs } from '../../report/index.js';
import type { Feeds } from '../../runtime/types.js';
import type { Draft } from '../draft.js';
import { stopIfAborted } from '../stages.js';
import { Reconstruction } from '../training/reconstruction.js';
import { defaultBatch, type Sized, sized } from '../training/sizes.js';
import { restOf } from '../trial.js';

const MOST_SAMPLES = 256;
/** Of all samples together. */
const SAMPLE_BYTES = 2 ** 28;
const LEAST_SAMPLES = 16;
const MOST_BATCH = 32;
/** MACs of the forward passes of all steps: a minute or two. */
const WORK_MACS = 1.5e11;
/** Fewer steps bring too little for the time that opening the graphs takes. */
const [LEAST_STEPS, MOST_STEPS] = [40, 300];

/**
 * Trains block after block, scales, biases and narrow codes, so that each makes of its inputs what the float block makes of
 * its own. A block that does not make the network better on samples apart stays as it was.
 */
export async function reconstructBlocks(draft: Draft): Promise<Draft | undefined> {
  const { job, plan } = draft;
  if (draft.source.kind !== 'real' || plan.weights.length === 0) return undefined;
  const samples = await samplesOf(draft);
  if (!samples) return undefined;
  const { batch, steps } = paceOf(draft, samples[0]);
  if (steps < LEAST_STEPS) return undefined;
  const fixed = await sizedOrNone(draft, samples[0], batch);
  if (!fixed) return undefined;
  const network = new Reconstruction(draft, fixed, steps);
  network.feed(samples);
  await network.foresee();
  for (const at of network.blocks.keys()) {
    stopIfAborted(job.options.signal);
    job.options.onProgress?.({ stage: 'blocks', done: at, total: network.blocks.length });
    await network.take(at);
  }
  return network.result();
}

/** Whether there are samples to train blocks with, and the work is affordable. */
export async function mayTrainBlocks(draft: Draft): Promise<boolean> {
  const { kind, count = 0 } = draft.source;
  if (kind !== 'real' || count < LEAST_SAMPLES) return false;
  for await (const { feeds } of draft.source.samples((i) => i === 0))
    return paceOf(draft, feeds).steps >= LEAST_STEPS && (await sizedOrNone(draft, feeds, 1)) !== undefined;
  return false;
}

function paceOf({ job, types }: Draft, sample: Feeds): { batch: number; steps: number } {
  const batch = Math.min(defaultBatch(sample), MOST_BATCH);
  const steps = Math.floor(WORK_MACS / (batch * modelMacs(job.prepared, types)));
  return { batch, steps: Math.min(MOST_STEPS, steps) };
}

/** Undefined where sizes are not known beforehand: such a network cannot be trained. */
async function sizedOrNone({ job }: Draft, sample: Feeds, batch: number): Promise<Sized | undefined> {
  try {
    return await sized(job.prepared, sample, batch);
  } catch (error) {
    if (error instanceof QuantizeError && error.kind === 'unsupported') return undefined;
    throw error;
  }
}

/** Samples that can stand in one batch, apart from those that judge; undefined where there are few or of several sizes. */
async function samplesOf({ source }: Draft): Promise<Feeds[] | undefined> {
  const samples: Feeds[] = [];
  let room = SAMPLE_BYTES;
  for await (const { feeds } of restOf(source).samples((i) => i < MOST_SAMPLES)) {
    room -= 4 * Object.values(feeds).reduce((n, { dims }) => n + elementCount(dims), 0);
    if (room < 0) break;
    samples.push(feeds);
  }
  const sizes = (feeds: Feeds) =>
    Object.values(feeds)
      .map(({ dims }) => dims.join('×'))
      .join();
  const alike = samples.every(
    (feeds) =>
      sizes(feeds) === sizes(samples[0]) &&
      Object.values(feeds).every(({ dims, data }) => dims[0] === 1 && !Array.isArray(data)),
  );
  return alike && samples.length >= LEAST_SAMPLES ? samples : undefined;
}
