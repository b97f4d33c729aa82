import { elementOf, weightGrid } from '../../../kernels/grid.js';
import { codeInformation } from '../../../kernels/information.js';
import { type BlockShape, blockShape, type ChannelParams, scaleCount } from '../../../kernels/quantize.js';
import { sampleGroups } from '../../../kernels/sample.js';
import { formatBits } from '../../../kernels/size.js';
import { roundingErrors } from '../../../kernels/stochastic.js';
import { createKernels, type Kernels } from '../../../kernels/wasm.js';
import { allGraphs } from '../../ir/graph.js';
import type { Model, Tensor } from '../../ir/model.js';
import { elementCount, finiteValues } from '../../ir/tensor.js';
import type { WeightPlan } from '../../plan/types.js';
import type { FormatFigures, FormatSurvey, RoundingSurvey } from './types.js';

/** Values that are looked at, shared out among the weights; more of them say hardly more. */
const LOOKED_AT = 2 ** 19;
/** Of each weight at least. */
const LEAST = 2 ** 11;
const KERNEL_BYTES = 1 << 20;
const BINS = 64;

/** Some groups of one weight on the grid of its plan. */
interface Sample {
  plan: WeightPlan;
  /** Values of the whole tensor, and the groups that share scales among them. */
  count: number;
  groups: number;
  values: Float32Array;
  shape: BlockShape;
  params: ChannelParams;
}

/** The weights of a prepared model, in any format that a plan asks for. */
export class Weights {
  private readonly constants: ReadonlyMap<string, Tensor>;
  private readonly kernels: Kernels = createKernels(KERNEL_BYTES);

  private readonly values = new Map<Tensor, Float32Array>();
  private readonly share: number;

  /** @param count weights that will be looked at */
  constructor(model: Model, count: number) {
    this.share = Math.max(LEAST, Math.floor(LOOKED_AT / Math.max(1, count)));
    const tensors = [...allGraphs(model.graph)].flatMap((graph) => graph.initializers);
    this.constants = new Map(tensors.map((t) => [t.name ?? '', t]));
  }

  /** Checked once: every format looks at them. */
  private valuesOf(tensor: Tensor): Float32Array {
    const values = this.values.get(tensor) ?? finiteValues(tensor);
    this.values.set(tensor, values);
    return values;
  }

  /** @throws QuantizeError WEIGHT_NOT_FINITE (invalid) */
  private sample(plan: WeightPlan): Sample {
    const tensor = this.constants.get(plan.tensor)!;
    const block = plan.granularity.kind === 'block' ? plan.granularity.size : undefined;
    const whole = blockShape(plan.view ?? tensor.dims, plan.axis, block);
    const { values, shape } = sampleGroups(this.valuesOf(tensor), whole, this.share);
    const params = weightGrid(this.kernels, values, shape, plan.format, { symmetric: plan.symmetric });
    return { plan, count: elementCount(tensor.dims), groups: scaleCount(whole), values, shape, params };
  }

  /** What a format gives: of each weight, and of all by their number of values. */
  format(id: string, description: string, plans: readonly WeightPlan[]): FormatSurvey {
    const found = plans.map((plan) => {
      const { count, groups, values, shape, params } = this.sample(plan);
      const { sqnr, ...rest } = codeInformation(values, shape, params, elementOf(plan.format));
      const bits = formatBits(plan.format, count, groups, !plan.symmetric) / count;
      const sqnrDb = Number.isFinite(sqnr) ? sqnr : null;
      return { count, figures: { tensor: plan.tensor, bits, sqnrDb, ...rest } };
    });
    return { id, description, ...overall(found), weights: found.map((f) => f.figures) };
  }

  /** Bias of each way of rounding, over all weights; stochastic draws belong to the tensor's name. */
  rounding(id: string, plans: readonly WeightPlan[], seed: number): RoundingSurvey {
    const found = plans.map((plan) => {
      const { count, values, shape, params } = this.sample(plan);
      const draw = { seed, tensor: plan.tensor };
      return { count, errors: roundingErrors(values, shape, params, elementOf(plan.format), draw) };
    });
    const total = found.reduce((n, { count }) => n + count, 0) || 1;
    const modes = (found[0]?.errors ?? []).map(({ mode }, i) => {
      const mean = (of: (e: (typeof found)[0]['errors'][0], share: number) => number) =>
        found.reduce((sum, { count, errors }) => sum + of(errors[i], count / total), 0);
      return {
        mode,
        bias: mean((e, share) => share * e.bias),
        standardError: Math.sqrt(mean((e, share) => (share * e.standardError) ** 2)),
        rms: Math.sqrt(mean((e, share) => share * e.rms ** 2)),
      };
    });
    return { id, modes };
  }

  /** How many values are looked at, and how they lie between the extremes of their group. */
  distribution(plans: readonly WeightPlan[]): { looked: number; distribution: number[] } {
    const counts = new Array<number>(BINS).fill(0);
    let looked = 0;
    for (const plan of plans) {
      const { values, shape, params } = this.sample(plan);
      const unit = elementOf(plan.format).largest;
      const run = shape.channels === 1 ? values.length : shape.inner;
      looked += values.length;
      for (let i = 0; i < values.length; i++) {
        const scale = params.scales[Math.floor(i / run) % shape.channels] * unit;
        const bin = Math.floor((values[i] / scale + 1) * (BINS / 2));
        counts[Math.max(0, Math.min(BINS - 1, bin))]++;
      }
    }
    return { looked, distribution: counts.map((count) => count / Math.max(1, looked)) };
  }
}

/**
 * The figures of the whole model, each weight counting by its values. Noise is added relative to each tensor's own
 * power, so that a tensor of small values counts as much as one of large ones.
 */
function overall(found: readonly { count: number; figures: FormatFigures }[]): FormatFigures {
  const total = found.reduce((n, { count }) => n + count, 0) || 1;
  const mean = (of: (f: FormatFigures) => number) =>
    found.reduce((sum, { count, figures }) => sum + of(figures) * (count / total), 0);
  const noise = mean((f) => (f.sqnrDb === null ? 0 : 10 ** (-f.sqnrDb / 10)));
  return {
    bits: mean((f) => f.bits),
    sqnrDb: noise === 0 ? null : -10 * Math.log10(noise),
    entropy: mean((f) => f.entropy),
    utilisation: mean((f) => f.utilisation),
    divergence: mean((f) => f.divergence),
    clipped: mean((f) => f.clipped),
    zeros: mean((f) => f.zeros),
  };
}
