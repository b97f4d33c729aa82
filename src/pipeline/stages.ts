import { readFileSync } from 'node:fs';
import { findTarget, parseTarget, TARGETS } from '../../targets/index.js';
import type { Target } from '../../targets/types.js';
import { blameSample, calibrate, checkFinite, readStats } from '../calibrate/index.js';
import type { Stats } from '../calibrate/types.js';
import type { SampleSource } from '../data/types.js';
import { type Diagnostic, invalidError, nearestNames, QuantizeError, usageError } from '../errors.js';
import { checkGraph, checkTensors } from '../ir/check.js';
import { valueNames } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { type LoadedModel, loadModel } from '../onnx/index.js';
import {
  candidates,
  checkWriting,
  type PlanInput,
  parseScheme,
  requiredOpset,
  requireFiniteWeights,
  resolveKeepFloat,
  usualEncoding,
} from '../plan/index.js';
import type { Scheme } from '../plan/types.js';
import { type ChannelSpread, observeTypes, prepare, scaleQueries } from '../prepare/index.js';
import { openModel } from '../runtime/index.js';
import type { ValueMeta } from '../runtime/types.js';
import type { JobOptions } from './options.js';

/** A model that is loaded and prepared for a scheme and a target. */
export interface Job {
  options: JobOptions;
  loaded: LoadedModel;
  target: Target;
  scheme: Scheme;
  prepared: Model;
  /** What folded normalisations say of the channels of the prepared model's values. */
  spreads: ReadonlyMap<string, ChannelSpread>;
  diagnostics: Diagnostic[];
}

/** @throws QuantizeError UNKNOWN_TARGET (usage), TARGET_INVALID (invalid) */
export function resolveTarget(name: string): Target {
  const found = findTarget(name);
  if (found) return found;
  if (name.endsWith('.json')) return parseTarget(readJson(name), name);
  const known = TARGETS.flatMap((t) => [t.id, ...t.aliases]);
  const near = nearestNames(name, known, 2);
  throw usageError('UNKNOWN_TARGET', `unknown target "${name}"`, {
    hint: `${near.length ? `did you mean ${near.join(' or ')}? ` : ''}known: ${known.join(', ')}, or the path of a target's JSON file`,
  });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw invalidError('TARGET_INVALID', `cannot read the target: ${(cause as Error).message}`, {
      where: { file },
      cause,
    });
  }
}

/** load → prepare, with the opset that the scheme needs. */
export async function openJob(options: JobOptions): Promise<Job> {
  options.onProgress?.({ stage: 'load', message: options.model });
  return prepareFor(options, loadModel(options.model));
}

export async function prepareFor(given: JobOptions, loaded: LoadedModel): Promise<Job> {
  const named = resolveTarget(given.target);
  const target = given.symmetric === undefined ? named : withSymmetry(named, given.symmetric);
  const scheme = parseScheme(given.scheme);
  const encoding = given.encoding ?? usualEncoding(scheme, target);
  const options = { ...given, encoding };
  checkWriting(scheme, target, options);
  checkGraph(loaded.model);
  options.onProgress?.({ stage: 'prepare' });
  const { model, spreads, diagnostics } = await prepare(loaded.model, {
    opset: Math.max(requiredOpset(scheme, target, options.encoding), given.opset ?? 0),
  });
  if (target.runtime === 'tensorrt') scaleQueries(model);
  checkTensors(model);
  stopIfAborted(options.signal);
  for (const d of diagnostics) options.onDiagnostic?.(d);
  return { options, loaded, target, scheme, prepared: model, spreads, diagnostics: [...diagnostics] };
}

const withSymmetry = (target: Target, symmetric: boolean): Target => ({
  ...target,
  activations: { ...target.activations, symmetric, reason: 'as asked on the command line' },
});

/** Adds a finding to the job and tells who listens. */
export function note(job: Job, diagnostic: Diagnostic): void {
  job.diagnostics.push(diagnostic);
  job.options.onDiagnostic?.(diagnostic);
}

export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new QuantizeError('interrupted', 'INTERRUPTED', 'stopped as asked; nothing was written');
}

/** Types and shapes of every value, with the sizes that the first sample has: inferred, or else seen in a run. */
export async function typesFor(model: Model, source: SampleSource): Promise<Map<string, ValueMeta>> {
  for await (const sample of source.samples()) {
    try {
      return await observeTypes(model, sample.feeds);
    } catch (cause) {
      throw blameSample(sample, source.kind, cause);
    }
  }
  throw invalidError('NO_SAMPLES', `there are no samples in ${source.description}`);
}

/**
 * Sizes and values that were made up suit some models and not others; that is told before anything is built on them.
 * @throws QuantizeError SAMPLE_RUN (invalid)
 */
export async function tryMadeUp(model: Model, source: SampleSource): Promise<void> {
  if (source.kind !== 'synthetic') return;
  for await (const sample of source.samples((index) => index === 0)) {
    const session = await openModel(model);
    try {
      await session.run(sample.feeds);
    } catch (cause) {
      throw blameSample(sample, source.kind, cause);
    } finally {
      await session.release();
    }
  }
}

export const planInput = (job: Job, types: Map<string, ValueMeta>): PlanInput => ({
  model: job.prepared,
  types,
  scheme: job.scheme,
  target: job.target,
  keepFloat: resolveKeepFloat(job.prepared, job.options.keepFloat ?? []),
  writing: job.options,
});

/** Statistics of the tensors that the plan will need: from the file that was named, else from one pass over the samples. */
export async function statistics(
  job: Job,
  input: PlanInput,
  source: SampleSource,
): Promise<Stats | undefined> {
  requireFiniteWeights(input);
  const tensors = candidates(input);
  if (tensors.length === 0) return undefined;
  const { options } = job;
  const file = options.stats ?? options.sharedStats;
  const stats = file
    ? readStats(file, job.loaded.sha256)
    : await calibrate(job.prepared, tensors, source, calibrationOptions(job, input));
  checkFinite(stats, valueNames(job.prepared.graph));
  return stats;
}

export const calibrationOptions = (job: Job, { types }: PlanInput) => ({
  types,
  modelHash: job.loaded.sha256,
  mode: RANGE_METHODS.has(job.options.method) ? ('range' as const) : ('histogram' as const),
  threads: job.options.threads,
  shard: job.options.shard,
  memoryBudget: job.options.memory,
  signal: job.options.signal,
  onProgress: (p: { done: number; total?: number; rate?: number }) =>
    job.options.onProgress?.({ stage: 'calibrate', ...p }),
});

/** Methods that need only extremes, not histograms: their pass is cheaper. */
const RANGE_METHODS = new Set(['minmax', 'moving-average']);
