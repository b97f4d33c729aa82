import { COUNTERS, createKernels, type Kernels } from '../../kernels/wasm.js';
import type { Sample } from '../data/types.js';
import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, SessionOptions, TensorValue } from '../runtime/types.js';
import { Accumulator } from './accumulate.js';
import { withOutputs } from './augment.js';
import { asFloat32, Fetcher, shapesOf } from './fetch.js';
import { bindSymbols, estimateBytes, groupBySize, isSized } from './group.js';
import { type Probe, withProbes } from './probe.js';
import type { TensorStats } from './types.js';

/** Arrays in the kernels' memory start on cache lines. */
const ALIGNMENT = 64;

export interface ObserverOptions {
  mode: 'range' | 'histogram';
  /** Bytes of activations held at a time. */
  memoryBudget: number;
  session: SessionOptions;
  /** Statistics to go on from. */
  earlier?: ReadonlyMap<string, TensorStats>;
  /** Tensors to look at through probes. */
  probes: readonly Probe[];
}

interface Parts {
  model: Model;
  options: ObserverOptions;
  kernels: Kernels;
  mark: number;
  sessions: Session[];
  accumulators: Map<string, Accumulator>;
  probes: readonly Probe[];
  /** Feed shapes that the probes were planned for. */
  shapes: string;
}

/** Runs samples through the model with the wanted tensors as outputs, and keeps statistics of them. */
export class Observer {
  private readonly fetchers: Fetcher[];
  /** Hands out the probed tensors whole, when a probe does not do. */
  private whole: Fetcher | undefined;
  /** A sample is half observed: what there is must not be kept. */
  torn = false;

  private constructor(private readonly parts: Parts) {
    this.fetchers = parts.sessions.map((session) => new Fetcher(session, parts.kernels, parts.mark));
  }

  /** `feeds` are those of any one sample: sizes that the model leaves open are read off them. */
  static async open(
    model: Model,
    tensors: readonly string[],
    feeds: Feeds,
    options: ObserverOptions,
  ): Promise<Observer> {
    const inner = tensors.filter((name) => !feeds[name]);
    const { sessions, held, probes } = await openSessions(model, inner, feeds, options);
    const counters = options.mode === 'histogram' ? tensors.length * (4 * COUNTERS + ALIGNMENT) : 0;
    const kernels = createKernels(counters + held);
    const accumulators = new Map(tensors.map((name) => [name, accumulator(name, kernels, options)]));
    const [mark, shapes] = [kernels.mark(), shapesOf(feeds)];
    return new Observer({ model, options, kernels, mark, sessions, accumulators, probes, shapes });
  }

  /** Adds one sample. */
  async add(sample: Sample): Promise<void> {
    const [first, ...rest] = this.fetchers;
    const values = (await first?.run(sample.feeds)) ?? {};
    this.torn = true;
    let finite = this.observe(sample.feeds, sample);
    finite = this.observe(values, sample) && finite;
    for (const fetcher of rest) this.observe(await fetcher.run(sample.feeds), sample);
    if (!(finite && this.observeProbes(values, sample))) await this.observeProbed(sample);
    this.torn = false;
  }

  /** Takes in every value that is wanted. @returns whether all were finite */
  private observe(values: Record<string, TensorValue>, sample: Sample): boolean {
    let finite = true;
    for (const [name, value] of Object.entries(values)) {
      const accumulator = this.parts.accumulators.get(name);
      const floats = accumulator && asFloat32(value);
      if (floats && !accumulator.observe(floats, sample)) finite = false;
    }
    return finite;
  }

  /** @returns false when the probes do not say enough: other shapes than they were planned for, or an infinite value */
  private observeProbes(values: Record<string, TensorValue>, sample: Sample): boolean {
    const { probes, shapes, accumulators } = this.parts;
    if (probes.length > 0 && shapesOf(sample.feeds) !== shapes) return false;
    const floats = (name: string) => values[name].data as Float32Array;
    const found = probes.map(({ max, min }) => ({
      min: min === undefined ? 0 : floats(min)[0],
      max: floats(max).reduce((a, b) => Math.max(a, b)),
    }));
    if (!found.every(({ min, max }) => Number.isFinite(min) && Number.isFinite(max))) return false;
    probes.forEach(({ tensor, some, stride, count }, i) => {
      const seen = some === undefined ? {} : { some: floats(some) };
      accumulators.get(tensor)!.observeSome({ ...found[i], count, ...seen, weight: stride * stride }, sample);
    });
    return true;
  }

  private async observeProbed(sample: Sample): Promise<void> {
    const { model, probes, options, kernels, mark, sessions } = this.parts;
    if (probes.length === 0) return;
    if (!this.whole) {
      const session = await openModel(
        withOutputs(
          model,
          probes.map((p) => p.tensor),
        ),
        options.session,
      );
      sessions.push(session);
      this.whole = new Fetcher(session, kernels, mark);
    }
    this.observe(await this.whole.run(sample.feeds), sample);
  }

  /** Statistics so far. Tensors of integer types have none. */
  snapshot(): Map<string, TensorStats> {
    return new Map([...this.parts.accumulators].map(([name, a]) => [name, a.snapshot()]));
  }

  async release(): Promise<void> {
    for (const session of this.parts.sessions) await session.release();
  }
}

function accumulator(name: string, kernels: Kernels, { mode, earlier }: ObserverOptions): Accumulator {
  const counters = mode === 'histogram' ? kernels.uint32(COUNTERS) : undefined;
  return new Accumulator(kernels, counters, earlier?.get(name));
}

/**
 * One session for all tensors or, when they exceed the memory budget, one for each group of them, without probes:
 * a model so large that it needs groups must not be opened once more for them.
 */
async function openSessions(model: Model, tensors: string[], feeds: Feeds, options: ObserverOptions) {
  const { probes } = options;
  if (tensors.length === 0) return { sessions: [], held: 0, probes: [] };
  const probed = new Set(probes.map((p) => p.tensor));
  const whole = tensors.filter((name) => !probed.has(name));
  const session = await openModel(withProbes(model, whole, probes), options.session);
  if (groupsOf(session, feeds, options).length === 1)
    return { sessions: [session], held: await measure([session], feeds, options), probes };
  await session.release();
  const sessions: Session[] = [];
  for (const group of await groupsOfAll(model, tensors, feeds, options))
    sessions.push(await openModel(withOutputs(model, group), options.session));
  return { sessions, held: await measure(sessions, feeds, options), probes: [] };
}

function groupsOf(session: Session, feeds: Feeds, { memoryBudget }: ObserverOptions): string[][] {
  const symbols = bindSymbols(session.inputs, feeds);
  return groupBySize(new Map(session.outputs.map((o) => [o.name, estimateBytes(o, symbols)])), memoryBudget);
}

async function groupsOfAll(model: Model, tensors: string[], feeds: Feeds, options: ObserverOptions) {
  const session = await openModel(withOutputs(model, tensors), { ...options.session, optimize: 'disabled' });
  const groups = groupsOf(session, feeds, options);
  await session.release();
  return groups;
}

/** Bytes of the float32 outputs that one sample has, of the largest group. */
async function measure(
  sessions: Session[],
  feeds: Feeds,
  { memoryBudget }: ObserverOptions,
): Promise<number> {
  let most = 0;
  for (const session of sessions) most = Math.max(most, await outputBytes(session, feeds));
  return Math.min(most, memoryBudget);
}

/** Read off the model where it tells, else off a trial run. */
async function outputBytes(session: Session, feeds: Feeds): Promise<number> {
  const symbols = bindSymbols(session.inputs, feeds);
  const floats = session.outputs.filter((o) => o.dtype === 'float32');
  if (floats.every((o) => isSized(o, symbols)))
    return floats.reduce((sum, o) => sum + estimateBytes(o, symbols) + ALIGNMENT, 0);
  const out = await session.run(feeds);
  return floats.reduce((sum, { name }) => sum + (out[name].data as Float32Array).byteLength + ALIGNMENT, 0);
}
