import { availableParallelism } from 'node:os';
import type { Sample } from '../data/types.js';
import type { Model } from '../ir/model.js';
import { openModel, storeModel, tensorBytes } from '../runtime/index.js';
import type { ValueMeta } from '../runtime/types.js';
import { withOutputs } from './augment.js';
import { Crew, canHire, THREAD_BYTES } from './crew.js';
import { shapesOf } from './fetch.js';
import { estimateBytes, isSized } from './group.js';
import { Observer } from './observe.js';
import { ALIGNMENT, countersBytes, openSessions } from './open.js';
import { type Probe, withProbes } from './probe.js';
import type { TensorStats } from './types.js';

/** Bytes of weights and activations that all samples together touch below which threads do not earn their start. */
const WORTH_BYTES = 512 * 2 ** 20;
/** onnxruntime's copies of the weights: as read, and packed for its kernels. */
const WEIGHT_COPIES = 2;

export interface TeamOptions {
  mode: 'range' | 'histogram';
  /** Bytes of activations held at a time. */
  memoryBudget: number;
  /** Tensors to look at through probes. */
  probes: readonly Probe[];
  types?: ReadonlyMap<string, ValueMeta>;
  /** Processor cores to use; default: all. */
  threads?: number;
  /** Samples that there will be, if known. */
  total?: number;
  /** Statistics to go on from. */
  earlier?: ReadonlyMap<string, TensorStats>;
  /** Called when a sample is in the statistics. */
  onDone(sample: Sample): void;
  /** Tells a failure as the sample's. */
  blame(sample: Sample, cause: unknown): unknown;
}

/** Who observes the samples. Which of its members saw a sample leaves no trace: merging statistics is exact. */
export interface Team {
  /** Takes in the sample, or hands it to a thread. @throws what a thread met with an earlier one */
  add(sample: Sample): Promise<void>;
  /** Waits until every sample is in the statistics. */
  settle(): Promise<void>;
  /** A sample is in the statistics by half: they must not be kept. */
  readonly torn: boolean;
  /** Statistics so far; nothing may be under way. Tensors of integer types have none. */
  snapshot(): Promise<Map<string, TensorStats>>;
  release(): Promise<void>;
}

/**
 * A crew of threads with onnxruntime on one core each, where there are cores, memory and work enough for it; else one
 * observer in this thread, whose onnxruntime has all cores.
 * @param first any one sample: sizes that the model leaves open are read off it
 */
export async function gather(
  model: Model,
  tensors: readonly string[],
  first: Sample,
  options: TeamOptions,
): Promise<Team> {
  const { probes } = options;
  const probed = probes.map((probe) => probe.tensor);
  const rest = tensors.filter((name) => !first.feeds[name] && !probed.includes(name));
  const whole = () => withOutputs(model, probed);
  const held = canHire() ? heldBytes(rest, options) : undefined;
  const count = held === undefined ? 1 : affordable(model, held, options);
  // A temporary folder without room costs speed, not the run.
  const stored =
    count < 2 ? undefined : await storeModel(withProbes(model, rest, probes)).catch(() => undefined);
  if (held === undefined || !stored) return Solo.open(model, tensors, first, whole, options);
  const memory = held + countersBytes(tensors, options.mode);
  const recipe = { mode: options.mode, tensors, probes, shapes: shapesOf(first.feeds), memory };
  return new Crew({ ...options, recipe, count, stored, storeWhole: () => storeModel(whole()) });
}

/** Bytes that one sample's outputs take; undefined when a size is not known before a run. */
function heldBytes(whole: readonly string[], { probes, types }: TeamOptions): number | undefined {
  let held = probes.reduce((sum, probe) => sum + probe.bytes + 3 * ALIGNMENT, 0);
  for (const name of whole) {
    const meta = types?.get(name);
    if (!meta || !isSized(meta, new Map())) return undefined;
    held += estimateBytes(meta, new Map()) + ALIGNMENT;
  }
  return held;
}

/** How many threads, each with its copy of weights and activations, the work deserves and the memory allows. */
function affordable(model: Model, held: number, options: TeamOptions): number {
  const {
    threads = availableParallelism(),
    total = Number.POSITIVE_INFINITY,
    memoryBudget,
    probes,
  } = options;
  const weights = tensorBytes(model);
  const touched = weights + held + probes.reduce((sum, probe) => sum + 4 * probe.count, 0);
  if (total * touched < WORTH_BYTES) return 1;
  const each = WEIGHT_COPIES * weights + held + THREAD_BYTES;
  return Math.min(threads, total, Math.floor(memoryBudget / each));
}

/** One observer in this thread. */
class Solo implements Team {
  private constructor(
    private readonly observer: Observer,
    private readonly options: TeamOptions,
  ) {}

  static async open(
    model: Model,
    tensors: readonly string[],
    first: Sample,
    whole: () => Model,
    options: TeamOptions,
  ): Promise<Solo> {
    const session = { threads: options.threads };
    const { recipe, sessions } = await openSessions(model, tensors, first.feeds, { ...options, session });
    const openWhole = () => openModel(whole(), session);
    return new Solo(new Observer(recipe, sessions, openWhole, options.earlier), options);
  }

  async add(sample: Sample): Promise<void> {
    try {
      await this.observer.add(sample);
    } catch (cause) {
      throw this.options.blame(sample, cause);
    }
    this.options.onDone(sample);
  }

  async settle(): Promise<void> {}

  get torn(): boolean {
    return this.observer.torn;
  }

  async snapshot(): Promise<Map<string, TensorStats>> {
    return this.observer.snapshot();
  }

  release(): Promise<void> {
    return this.observer.release();
  }
}
