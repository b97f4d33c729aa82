import { createHash } from 'node:crypto';
import type { Sample, SampleSource } from '../data/types.js';
import { invalidError, QuantizeError, usageError } from '../errors.js';
import type { Model } from '../ir/model.js';
import type { ValueMeta } from '../runtime/types.js';
import { writeStats } from './file.js';
import { requireSameKey } from './merge.js';
import { type Probe, planProbes } from './probe.js';
import { add, contains } from './runs.js';
import { gather, type Team } from './team.js';
import type { Stats } from './types.js';

export { decodeStats, encodeStats, readStats, writeStats } from './file.js';
export { layoutLints } from './layout.js';
export { sampleLints } from './lints.js';
export { checkFinite, mergeStats, notFinite } from './merge.js';
export { findMethod, METHODS } from './methods/index.js';
export { normalisationLints } from './normalisation.js';

const DEFAULT_BUDGET = 512 * 2 ** 20;

export interface CalibrateOptions {
  /** sha256 of the model file: the key of the statistics. */
  modelHash: string;
  /** `range` gathers extremes only, `histogram` (default) also the exponent histograms. */
  mode?: 'range' | 'histogram';
  threads?: number;
  /** [i, n]: only the samples whose index leaves remainder i by n, 0 ≤ i < n. */
  shard?: [number, number];
  /**
   * Types and shapes of the model's values with the sizes that samples have. With them, large maps after a ReLU are
   * looked at through probes (probe.ts), which is several times cheaper: their extremes stay exact, but for a lowest
   * value above zero, which counts as zero; their histograms come from every second to sixteenth row and column.
   * Without them every value is observed.
   */
  types?: ReadonlyMap<string, ValueMeta>;
  /** Statistics of an interrupted run, to go on from. */
  resume?: Stats;
  /** Bytes that the activations of one sample may take at a time; default 512 MiB. */
  memoryBudget?: number;
  onProgress?(progress: CalibrationProgress): void;
  signal?: AbortSignal;
  /** Saves what there is every so often, when the run is interrupted and when it fails. */
  checkpoint?: { file: string; everyMs: number };
}

export interface CalibrationProgress {
  done: number;
  total?: number;
  /** Samples a second. */
  rate: number;
}

/**
 * One pass over the samples: the range and value distribution of each of `tensors` (values of the main graph,
 * graph inputs included). float16 and float64 values are observed as float32; integer ones have no statistics.
 * Memory does not depend on the number of samples.
 * @throws INTERRUPTED, SAMPLE_RUN (a sample that onnxruntime does not take), CALIBRATE_SHARD (usage),
 * CALIBRATION_EMPTY, STATS_OTHER_MODEL and STATS_OTHER_SETTINGS for `resume`
 */
export async function calibrate(
  model: Model,
  tensors: string[],
  source: SampleSource,
  options: CalibrateOptions,
): Promise<Stats> {
  const run = new Run(model, [...new Set(tensors)], source, options);
  try {
    for await (const sample of source.samples(run.wanted)) await run.take(sample);
    return await run.stats();
  } catch (cause) {
    await run.save();
    throw cause;
  } finally {
    await run.release();
  }
}

class Run {
  private readonly base: Omit<Stats, 'sampleCount' | 'tensors'>;
  private team: Team | undefined;
  private readonly probes: readonly Probe[];
  private readonly total: number | undefined;
  private readonly started = performance.now();
  private saved = performance.now();
  private done = 0;

  constructor(
    private readonly model: Model,
    private readonly tensors: string[],
    source: SampleSource,
    private readonly options: CalibrateOptions,
  ) {
    const { modelHash, shard, resume } = options;
    if (shard && !(Number.isInteger(shard[0]) && shard[0] >= 0 && shard[0] < shard[1]))
      throw usageError('CALIBRATE_SHARD', `shard ${shard[0]}/${shard[1]} does not exist`, {
        hint: 'Shards of n count from 0 to n − 1.',
      });
    const { types, mode = 'histogram' } = options;
    this.probes = types ? planProbes(model, tensors, types, mode) : [];
    const settingsHash = settingsOf(tensors, this.probes, source, mode);
    if (resume) requireSameKey({ modelHash, settingsHash }, resume);
    const samples = (resume?.samples ?? []).map(([first, last]): [number, number] => [first, last]);
    this.base = { modelHash, settingsHash, kind: source.kind, source: source.description, samples };
    this.total = source.count && Math.ceil((source.count - (shard?.[0] ?? 0)) / (shard?.[1] ?? 1));
    this.done = resume?.sampleCount ?? 0;
  }

  readonly wanted = (index: number): boolean => {
    const [i, n] = this.options.shard ?? [0, 1];
    return index % n === i && !contains(this.base.samples, index);
  };

  async take(sample: Sample): Promise<void> {
    this.stopIfAborted();
    if (!this.wanted(sample.index)) return;
    this.team ??= await this.open(sample);
    await this.team.add(sample);
    const { checkpoint } = this.options;
    if (checkpoint && performance.now() - this.saved > checkpoint.everyMs) await this.save();
  }

  private async open(sample: Sample): Promise<Team> {
    const { mode = 'histogram', memoryBudget = DEFAULT_BUDGET, threads, types, resume } = this.options;
    const blame = (blamed: Sample, cause: unknown) => blameSample(blamed, this.base.kind, cause);
    try {
      return await gather(this.model, this.tensors, sample, {
        mode,
        memoryBudget,
        threads,
        probes: this.probes,
        types,
        earlier: resume?.tensors,
        total: this.total && this.total - this.done,
        onDone: (done) => this.count(done),
        blame,
      });
    } catch (cause) {
      throw blame(sample, cause);
    }
  }

  private count(sample: Sample): void {
    add(this.base.samples, sample.index);
    this.done++;
    this.progress();
  }

  private progress(): void {
    const seconds = (performance.now() - this.started) / 1000;
    const fresh = this.done - (this.options.resume?.sampleCount ?? 0);
    this.options.onProgress?.({ done: this.done, total: this.total, rate: fresh / seconds });
  }

  private stopIfAborted(): void {
    if (!this.options.signal?.aborted) return;
    const kept = this.options.checkpoint && this.team;
    throw new QuantizeError(
      'interrupted',
      'INTERRUPTED',
      `calibration was stopped after ${this.done} samples`,
      {
        hint: kept
          ? `What there is lies in "${this.options.checkpoint?.file}"; run again to go on from it.`
          : undefined,
      },
    );
  }

  /** Writes the checkpoint, if there is one and anything to keep. */
  async save(): Promise<void> {
    if (!this.options.checkpoint || !this.team) return;
    await this.team.settle().catch(() => {});
    if (this.team.torn) return;
    await writeStats(await this.stats(), this.options.checkpoint.file);
    this.saved = performance.now();
  }

  async stats(): Promise<Stats> {
    await this.team?.settle();
    const tensors = (await this.team?.snapshot()) ?? this.options.resume?.tensors;
    if (!tensors)
      throw invalidError('CALIBRATION_EMPTY', `there are no samples in ${this.base.source}`, {
        hint: this.options.shard ? 'There are fewer samples than shards.' : undefined,
      });
    return { ...this.base, sampleCount: this.done, tensors };
  }

  async release(): Promise<void> {
    await this.team?.release();
  }
}

function settingsOf(tensors: string[], probes: readonly Probe[], source: SampleSource, mode: string): string {
  const strides = probes.map(({ tensor, stride }) => [tensor, stride]).sort();
  const samples = source.hash ?? source.description;
  const key = JSON.stringify({ tensors: [...tensors].sort(), mode, strides, samples });
  return createHash('sha256').update(key).digest('hex');
}

/**
 * A failed run told as the sample's: which one, its shapes, and what to do about it, since onnxruntime names neither
 * the sample nor its shapes. Other errors stay as they are.
 */
export function blameSample(sample: Sample, kind: SampleSource['kind'], cause: unknown): unknown {
  if (!(cause instanceof QuantizeError) || cause.code !== 'RUN_FAILED') return cause;
  const shapes = Object.entries(sample.feeds).map(
    ([name, v]) => `${name} ${v.dims.join('×') || 'scalar'} ${v.dtype}`,
  );
  return invalidError('SAMPLE_RUN', `sample "${sample.id}" (${shapes.join(', ')}): ${cause.message}`, {
    where: { sample: sample.id },
    hint:
      kind === 'synthetic'
        ? 'Made-up inputs do not suit this model: give real samples with --calibration, or sizes with --dim.'
        : 'Remove the sample or mend it.',
    cause,
  });
}
