import { COUNTERS, createKernels, type Kernels } from '../../kernels/wasm.js';
import type { Sample } from '../data/types.js';
import type { Session, TensorValue } from '../runtime/types.js';
import { Accumulator } from './accumulate.js';
import { asFloat32, Fetcher, shapesOf } from './fetch.js';
import type { Recipe } from './open.js';
import type { TensorStats } from './types.js';

/** Runs samples through the model with the wanted tensors as outputs, and keeps statistics of them. */
export class Observer {
  private readonly kernels: Kernels;
  private readonly mark: number;
  private readonly accumulators: Map<string, Accumulator>;
  private readonly fetchers: Fetcher[];
  /** Hands out the probed tensors whole, when a probe does not do. */
  private whole: Fetcher | undefined;
  /** A sample is half observed: what there is must not be kept. */
  torn = false;

  /**
   * @param openWhole opens a session whose outputs are the probed tensors themselves
   * @param earlier statistics to go on from
   */
  constructor(
    private readonly recipe: Recipe,
    private readonly sessions: Session[],
    private readonly openWhole: () => Promise<Session>,
    earlier?: ReadonlyMap<string, TensorStats>,
  ) {
    this.kernels = createKernels(recipe.memory);
    this.accumulators = new Map(recipe.tensors.map((t) => [t, this.accumulator(earlier?.get(t))]));
    this.mark = this.kernels.mark();
    this.fetchers = sessions.map((session) => new Fetcher(session, this.kernels, this.mark));
  }

  private accumulator(earlier: TensorStats | undefined): Accumulator {
    const counters = this.recipe.mode === 'histogram' ? this.kernels.uint32(COUNTERS) : undefined;
    return new Accumulator(this.kernels, counters, earlier);
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
      const accumulator = this.accumulators.get(name);
      const floats = accumulator && asFloat32(value);
      if (floats && !accumulator.observe(floats, sample)) finite = false;
    }
    return finite;
  }

  /** @returns false when the probes do not say enough: other shapes than they were planned for, or an infinite value */
  private observeProbes(values: Record<string, TensorValue>, sample: Sample): boolean {
    const { probes, shapes } = this.recipe;
    if (probes.length > 0 && shapesOf(sample.feeds) !== shapes) return false;
    const floats = (name: string) => values[name].data as Float32Array;
    const found = probes.map(({ max, min }) => ({
      min: min === undefined ? 0 : floats(min)[0],
      max: floats(max).reduce((a, b) => Math.max(a, b)),
    }));
    if (!found.every(({ min, max }) => Number.isFinite(min) && Number.isFinite(max))) return false;
    probes.forEach(({ tensor, some, stride, count }, i) => {
      const seen = some === undefined ? {} : { some: floats(some) };
      const weight = stride * stride;
      this.accumulators.get(tensor)!.observeSome({ ...found[i], count, ...seen, weight }, sample);
    });
    return true;
  }

  private async observeProbed(sample: Sample): Promise<void> {
    if (this.recipe.probes.length === 0) return;
    if (!this.whole) {
      const session = await this.openWhole();
      this.sessions.push(session);
      this.whole = new Fetcher(session, this.kernels, this.mark);
    }
    this.observe(await this.whole.run(sample.feeds), sample);
  }

  /** Statistics so far. Tensors of integer types have none. */
  snapshot(): Map<string, TensorStats> {
    return new Map([...this.accumulators].map(([name, a]) => [name, a.snapshot()]));
  }

  async release(): Promise<void> {
    for (const session of this.sessions) await session.release();
  }
}
