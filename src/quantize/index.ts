import { elementOf } from '../../kernels/grid.js';
import {
  type BlockShape,
  biasOverflow,
  type ChannelParams,
  type Codes,
  quantizeBias,
} from '../../kernels/quantize.js';
import { stochasticQuantize } from '../../kernels/stochastic.js';
import { createKernels } from '../../kernels/wasm.js';
import { type Diagnostic, invalidError } from '../errors.js';
import { allGraphs } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { finiteValues } from '../ir/tensor.js';
import type { BiasPlan, Plan, WeightPlan } from '../plan/types.js';
import { meanError } from './correction.js';
import { gridOf, shapeOf } from './grid.js';
import type { ChannelMeans } from './means.js';
import { type RoundedWeights, weightKey } from './round-weights.js';
import { sparse } from './sparse.js';
import type { Numbers, QuantizedBias, QuantizedWeight } from './types.js';

export { expectedMeans } from './expected.js';
export { MAX_SAMPLES } from './hessian/index.js';
export { type ChannelMeans, channelMeans } from './means.js';
export { type RoundedWeights, type RoundOptions, roundWeights, turnsOf, weightKey } from './round-weights.js';
export { pairsSaturate } from './saturation.js';
export type { Numbers, QuantizedBias, QuantizedWeight } from './types.js';

/** Scratch of the kernels: weights stay where they are and pass through in pieces. */
const KERNEL_BYTES = 1 << 20;

/**
 * Plan + weights → numbers. A bias that would overflow int32 raises the scale of its channel (its weights are then
 * far below one step of the output); where one scale serves the whole tensor, the bias stays float instead.
 * @param means what the plan's bias correction needs; without them biases are rounded as they are
 * @param rounded weights that are on their grids already; the others go to the nearest codes
 * @throws QuantizeError PLAN_MISFIT, WEIGHT_NOT_FINITE (invalid)
 */
export function quantizeNumbers(
  model: Model,
  plan: Plan,
  means: ReadonlyMap<string, ChannelMeans> = new Map(),
  rounded: RoundedWeights = new Map(),
): { numbers: Numbers; diagnostics: Diagnostic[] } {
  const run = new Quantization(model, plan, means, rounded);
  for (const weight of plan.weights) run.take(weight);
  return { numbers: { weights: run.weights, biases: run.biases }, diagnostics: run.diagnostics };
}

class Quantization {
  readonly weights: QuantizedWeight[] = [];
  readonly biases: QuantizedBias[] = [];
  readonly diagnostics: Diagnostic[] = [];
  private readonly constants = new Map<string, Tensor>();
  private readonly nodes: Map<string, Node>;
  private readonly activationScale: Map<string, number>;
  private readonly kernels = createKernels(KERNEL_BYTES);

  constructor(
    model: Model,
    private readonly plan: Plan,
    private readonly means: ReadonlyMap<string, ChannelMeans>,
    private readonly rounded: RoundedWeights,
  ) {
    for (const graph of allGraphs(model.graph))
      for (const t of graph.initializers) this.constants.set(t.name ?? '', t);
    this.nodes = new Map(model.graph.nodes.map((n) => [n.name ?? '', n]));
    this.activationScale = new Map(plan.activations.map((a) => [a.tensor, a.scale]));
  }

  /** One weight, and the biases that are added to its products. */
  take(plan: WeightPlan): void {
    const values = this.finite(plan.tensor);
    const { dims } = this.constants.get(plan.tensor)!;
    const kept = sparse(plan, dims, values);
    const shape = shapeOf(plan, dims);
    const rounded = this.rounded.get(weightKey(plan)) ?? {
      ...kept,
      params: gridOf(plan, dims, kept.values, this.kernels),
    };
    const params = { ...rounded.params, scales: rounded.params.scales.slice() };
    // All biases make room first, since each may raise scales that the others are in.
    const biases = this.biasesOf(plan).filter((bias) => this.makeRoom(bias, params));
    const codes = this.codes(plan, rounded.values, shape, params);
    this.warnOfInfinities(plan, codes);
    const { mask } = rounded;
    const weight = { plan, dims, codes, shape, params, ...(mask && { mask }) };
    this.weights.push(weight);
    for (const bias of biases) this.biases.push(this.bias(bias, values, weight));
  }

  private codes(plan: WeightPlan, values: Float32Array, shape: BlockShape, params: ChannelParams): Codes {
    const row = elementOf(plan.format);
    if (plan.rounding !== 'stochastic') return this.kernels.quantize(values, shape, params, row);
    const { seed = 0 } = this.plan;
    return stochasticQuantize(values, shape, params, row, { seed, tensor: plan.tensor });
  }

  /** Formats without a scale do not saturate. */
  private warnOfInfinities({ tensor, format }: WeightPlan, codes: Codes): void {
    const { layout, largest, scaled } = elementOf(format);
    if (scaled || !layout?.infinite) return;
    const magnitudes = 2 ** (layout.exponentBits + layout.mantissaBits) - 1;
    let lost = 0;
    for (const code of codes) if ((code & magnitudes) === layout.overflow) lost++;
    if (lost === 0) return;
    this.diagnostics.push({
      level: 'warning',
      code: 'WEIGHT_INFINITE',
      message: `${lost} values of "${tensor}" exceed ${largest}, the largest number of ${format}, and become infinite; keep its node in float (--keep-float), or take bf16 or a format with scales`,
      where: { tensor },
    });
  }

  private biasesOf(weight: WeightPlan): BiasPlan[] {
    if (weight.weightOnly) return [];
    const users = new Set(weight.uses.map((use) => use.node));
    return this.plan.biases.filter(
      (b) => b.weight === weight.tensor && users.has(b.node) && this.activationScale.has(b.activation),
    );
  }

  /** Makes room for the bias by raising weight scales in place; false when that would cost other channels. */
  private makeRoom(bias: BiasPlan, params: ChannelParams): boolean {
    const values = this.finite(bias.tensor);
    const overflow = biasOverflow(values, this.activationScale.get(bias.activation)!, params.scales);
    if (overflow.length === 0) return true;
    const where = { node: bias.node, tensor: bias.tensor };
    const shared = params.scales.length === 1 && values.length > 1;
    if (!shared) for (const { channel, factor } of overflow) params.scales[channel] *= factor;
    const message = shared
      ? `bias "${bias.tensor}" does not fit int32 at this weight scale; it stays float`
      : `bias "${bias.tensor}" would overflow int32 in ${overflow.length} channels; their weight scales were raised`;
    this.diagnostics.push({ level: shared ? 'warning' : 'note', code: 'BIAS_OVERFLOW', message, where });
    return !shared;
  }

  private bias(plan: BiasPlan, weights: Float32Array, weight: QuantizedWeight): QuantizedBias {
    const values = this.finite(plan.tensor);
    const means = this.means.get(plan.activation);
    const node = this.nodes.get(plan.node);
    const error = node && means && meanError(node, weights, weight, means);
    const corrected = error ? values.map((b, c) => b - error[c]) : values;
    const { values: codes, scales } = quantizeBias(
      corrected,
      this.activationScale.get(plan.activation)!,
      weight.params.scales,
    );
    return { plan, codes, scale: scales };
  }

  /** The values of a constant of the prepared model, all finite. */
  private finite(name: string): Float32Array {
    const tensor = this.constants.get(name);
    if (!tensor)
      throw invalidError(
        'PLAN_MISFIT',
        `the plan names a constant "${name}" that the prepared model does not have`,
        {
          where: { tensor: name },
          hint: 'make the plan anew with this version of the tool',
        },
      );
    return finiteValues(tensor);
  }
}
