import { COUNTERS, createKernels, type Kernels } from '../../kernels/wasm.js';
import type { Sample } from '../data/types.js';
import type { Model } from '../ir/model.js';
import { bytesOf } from '../ir/tensor.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, SessionOptions, TensorValue } from '../runtime/types.js';
import { Accumulator } from './accumulate.js';
import { withOutputs } from './augment.js';
import { asFloat32, Fetcher } from './fetch.js';
import { bindSymbols, estimateBytes, groupBySize } from './group.js';
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
}

/** Runs samples through the model with the wanted tensors as outputs, and keeps statistics of them. */
export class Observer {
  private constructor(
    private readonly sessions: Session[],
    private readonly fetchers: Fetcher[],
    private readonly accumulators: Map<string, Accumulator>,
  ) {}

  /** `feeds` are those of any one sample: sizes that the model leaves open are read off them. */
  static async open(
    model: Model,
    tensors: readonly string[],
    feeds: Feeds,
    options: ObserverOptions,
  ): Promise<Observer> {
    const inner = tensors.filter((name) => !feeds[name]);
    const { sessions, held } = await openSessions(model, inner, feeds, options);
    const counters = options.mode === 'histogram' ? tensors.length * (4 * COUNTERS + ALIGNMENT) : 0;
    const kernels = createKernels(counters + held);
    const accumulators = new Map(tensors.map((name) => [name, accumulator(name, kernels, options)]));
    const mark = kernels.mark();
    const fetchers = sessions.map((session) => new Fetcher(session, kernels, mark));
    return new Observer(sessions, fetchers, accumulators);
  }

  /** A sample was left half observed when one of several sessions failed: what there is must not be kept. */
  torn = false;

  /** Adds one sample. */
  async add(sample: Sample): Promise<void> {
    const [first, ...rest] = this.fetchers;
    const values = (await first?.run(sample.feeds)) ?? {};
    this.torn = rest.length > 0;
    this.observe(sample.feeds, sample);
    this.observe(values, sample);
    for (const fetcher of rest) this.observe(await fetcher.run(sample.feeds), sample);
    this.torn = false;
  }

  private observe(values: Record<string, TensorValue>, sample: Sample): void {
    for (const [name, value] of Object.entries(values)) {
      const floats = this.accumulators.has(name) ? asFloat32(value) : undefined;
      if (floats) this.accumulators.get(name)!.observe(floats, sample);
    }
  }

  /** Statistics so far. Tensors of integer types have none. */
  snapshot(): Map<string, TensorStats> {
    return new Map([...this.accumulators].map(([name, a]) => [name, a.snapshot()]));
  }

  async release(): Promise<void> {
    for (const session of this.sessions) await session.release();
  }
}

function accumulator(name: string, kernels: Kernels, { mode, earlier }: ObserverOptions): Accumulator {
  const counters = mode === 'histogram' ? kernels.uint32(COUNTERS) : undefined;
  return new Accumulator(kernels, counters, earlier?.get(name));
}

/** One session for all tensors or, when they exceed the memory budget, one for each group of them. */
async function openSessions(model: Model, tensors: string[], feeds: Feeds, options: ObserverOptions) {
  if (tensors.length === 0) return { sessions: [], held: 0 };
  const session = await openModel(withOutputs(model, tensors), options.session);
  const symbols = bindSymbols(session.inputs, feeds);
  const sizes = new Map(session.outputs.map((o) => [o.name, estimateBytes(o, symbols)]));
  const groups = groupBySize(sizes, options.memoryBudget);
  if (groups.length === 1) return { sessions: [session], held: await measure([session], feeds, options) };
  await session.release();
  const sessions: Session[] = [];
  for (const group of groups) sessions.push(await openModel(withOutputs(model, group), options.session));
  return { sessions, held: await measure(sessions, feeds, options) };
}

/** Bytes of float32 outputs that one sample really has, of the largest group. */
async function measure(
  sessions: Session[],
  feeds: Feeds,
  { memoryBudget }: ObserverOptions,
): Promise<number> {
  let most = 0;
  for (const session of sessions) {
    const out = await session.run(feeds);
    let bytes = 0;
    for (const value of Object.values(out))
      if (value.dtype === 'float32') bytes += bytesOf(value.data as Float32Array).byteLength + ALIGNMENT;
    most = Math.max(most, bytes);
  }
  return Math.min(most, memoryBudget);
}
