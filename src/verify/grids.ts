import { codeArray } from '../../kernels/codec.js';
import { format, type NumberFormat } from '../../kernels/formats.js';
import type { SampleSource } from '../data/types.js';
import { dtypeNumber } from '../ir/dtypes.js';
import { cloneModel } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { ActivationPlan } from '../plan/types.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session, TensorValue } from '../runtime/types.js';
import { addSums, emptySums, floatElements } from './errorsums.js';
import { fetch, takeSamples, tensorOutputs } from './sessions.js';

type Outputs = Record<string, TensorValue>;
interface Kept {
  feeds: Feeds;
  float: Outputs;
  /** Samples that it stands for. */
  weight: number;
}
type GridNames = [scale: string, zeroPoint: string];

/**
 * What the grids of activations cost at the outputs of a network: one session answers for all of them, since scales and
 * zero points are inputs of its graph.
 */
export class GridTrial {
  private constructor(
    private readonly session: Session,
    private readonly grids: ReadonlyMap<string, GridNames>,
    private readonly given: readonly ActivationPlan[],
    private readonly outputs: readonly string[],
    private readonly samples: readonly Kept[],
  ) {}

  /**
   * @param quantized `float` with Q/DQ pairs around the tensors of `activations`
   * @param from samples to look at, and how many of them to judge by: they and the outputs of the float model for them
   * stay in memory. Values are clipped in few samples, and those have most of the noise, so half of the judges are the
   * loudest ones; the others stand for all the rest.
   */
  static async open(
    float: Model,
    quantized: Model,
    activations: readonly ActivationPlan[],
    source: SampleSource,
    from: { looked: number; kept: number; threads?: number },
  ): Promise<GridTrial> {
    const { threads } = from;
    const { model, grids } = adjustable(quantized, activations);
    const [reference, session] = [await openModel(float, { threads }), await openModel(model, { threads })];
    const names = tensorOutputs(reference);
    try {
      const trial = new GridTrial(session, grids, activations, names, []);
      const seen: (Kept & { noise: number })[] = [];
      for await (const { feeds } of takeSamples(source, from.looked)) {
        const one = { feeds, float: await fetch(reference, feeds, names), weight: 1 };
        const [noise] = await trial.of([one]).noise([]);
        seen.push({ ...one, noise });
      }
      return trial.of(judges(seen, from.kept));
    } finally {
      await reference.release();
    }
  }

  private of(samples: readonly Kept[]): GridTrial {
    return new GridTrial(this.session, this.grids, this.given, this.outputs, samples);
  }

  /**
   * @param changed grids other than those that the model was made with
   * @param limit the first samples only, the loudest first
   * @returns Σ error² / Σ value² of each output, as all samples that were looked at would have it
   */
  async noise(changed: readonly ActivationPlan[], limit = this.samples.length): Promise<number[]> {
    const totals = this.outputs.map(() => ({ error: 0, power: 0 }));
    const settings: Feeds = Object.assign({}, ...[...this.given, ...changed].map((a) => this.settingsOf(a)));
    for (const { feeds, float, weight } of this.samples.slice(0, limit)) {
      const rounded = await fetch(this.session, { ...feeds, ...settings }, this.outputs);
      this.outputs.forEach((name, o) => {
        const [x, y] = [floatElements(float[name]), floatElements(rounded[name])];
        const sums = emptySums();
        if (x && y && x.length === y.length) addSums(sums, x, y);
        totals[o].error += weight * sums.error;
        totals[o].power += weight * sums.xx;
      });
    }
    return totals.map(({ error, power }) => error / (power || 1));
  }

  release(): Promise<void> {
    return this.session.release();
  }

  private settingsOf({ tensor, format: id, scale, zeroPoint }: ActivationPlan): Feeds {
    const names = this.grids.get(tensor);
    if (!names) return {};
    return settings(names, format(id), scale, zeroPoint);
  }
}

const settings = ([scaleName, zeroName]: GridNames, row: NumberFormat, scale: number, zeroPoint: number) => {
  const zero = codeArray(row, 1);
  zero[0] = zeroPoint;
  return {
    [scaleName]: { dtype: 'float32', dims: [], data: Float32Array.of(scale) },
    [zeroName]: { dtype: row.dtype, dims: [], data: zero as never },
  } satisfies Feeds;
};

/** The loudest half of those that are kept, and of the others an even choice that stands for all of them. */
export function judges<T extends { noise: number; weight: number }>(seen: readonly T[], kept: number): T[] {
  const ranked = [...seen].sort((a, b) => b.noise - a.noise);
  if (ranked.length <= kept) return ranked;
  const [loud, rest] = [ranked.slice(0, kept >> 1), ranked.slice(kept >> 1)];
  const few = kept - loud.length;
  const others = Array.from({ length: few }, (_, i) => rest[Math.floor(((i + 0.5) * rest.length) / few)]);
  return [...loud, ...others.map((one) => ({ ...one, weight: rest.length / few }))];
}

/** A copy in which the scales and zero points of `activations` are inputs. */
function adjustable(quantized: Model, activations: readonly ActivationPlan[]) {
  const model = cloneModel(quantized);
  const { graph } = model;
  const grids = new Map<string, GridNames>();
  const plans = new Map(activations.map((a) => [a.tensor, a]));
  for (const {
    opType,
    inputs: [tensor, ...names],
  } of graph.nodes) {
    const plan = opType === 'QuantizeLinear' ? plans.get(tensor) : undefined;
    if (!plan) continue;
    grids.set(tensor, names as GridNames);
    const types = [dtypeNumber('float32'), dtypeNumber(format(plan.format).dtype)];
    names.forEach((name, i) => {
      graph.inputs.push({ name, type: { tensor: { elemType: types[i], shape: { dims: [] } } } });
    });
  }
  const fed = new Set([...grids.values()].flat());
  graph.initializers = graph.initializers.filter((t) => !fed.has(t.name ?? ''));
  return { model, grids };
}
