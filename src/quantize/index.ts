import { format } from '../../kernels/formats.js';
import {
  biasOverflow,
  blockShape,
  type ChannelParams,
  quantizeBias,
  weightParams,
} from '../../kernels/quantize.js';
import { createKernels } from '../../kernels/wasm.js';
import { type Diagnostic, invalidError } from '../errors.js';
import { allGraphs } from '../ir/graph.js';
import type { Model, Tensor } from '../ir/model.js';
import { floatValues } from '../ir/tensor.js';
import type { BiasPlan, Plan, WeightPlan } from '../plan/types.js';
import type { Numbers, QuantizedBias, QuantizedWeight } from './types.js';

export type { Numbers, QuantizedBias, QuantizedWeight } from './types.js';

/** Scratch of the kernels: weights stay where they are and pass through in pieces. */
const KERNEL_BYTES = 1 << 20;

/**
 * Plan + weights → numbers. A bias that would overflow int32 raises the scale of its channel (its weights are then
 * far below one step of the output); where one scale serves the whole tensor, the bias stays float instead.
 * @throws QuantizeError PLAN_MISFIT, WEIGHT_NOT_FINITE (invalid)
 */
export function quantizeNumbers(model: Model, plan: Plan): { numbers: Numbers; diagnostics: Diagnostic[] } {
  const constants = new Map<string, Tensor>();
  for (const graph of allGraphs(model.graph))
    for (const t of graph.initializers) constants.set(t.name ?? '', t);
  const activationScale = new Map(plan.activations.map((a) => [a.tensor, a.scale]));
  const diagnostics: Diagnostic[] = [];
  const kernels = createKernels(KERNEL_BYTES);
  const weights: QuantizedWeight[] = [];
  const biases: QuantizedBias[] = [];
  for (const weightPlan of plan.weights) {
    const tensor = constant(constants, weightPlan.tensor);
    const values = finiteValues(tensor);
    const row = format(weightPlan.format);
    const shape = blockShape(tensor.dims, weightPlan.axis);
    const params = weightParams(values, shape, row, { symmetric: weightPlan.symmetric });
    const own = biasesOf(plan, weightPlan).filter((b) => activationScale.has(b.activation));
    const fitting = own.filter((b) =>
      makeRoom(b, finiteValues(constant(constants, b.tensor)), activationScale, params, diagnostics),
    );
    for (const b of fitting)
      biases.push(bias(b, floatValues(constant(constants, b.tensor)), activationScale, params));
    const codes = kernels.quantize(values, shape, params, row);
    weights.push({
      plan: weightPlan,
      dims: tensor.dims,
      codes,
      scale: params.scales,
      zeroPoint: params.zeroPoints,
    });
  }
  return { numbers: { weights, biases }, diagnostics };
}

function constant(constants: Map<string, Tensor>, name: string): Tensor {
  const found = constants.get(name);
  if (found) return found;
  throw invalidError(
    'PLAN_MISFIT',
    `the plan names a constant "${name}" that the prepared model does not have`,
    {
      where: { tensor: name },
      hint: 'make the plan anew with this version of the tool',
    },
  );
}

function finiteValues(tensor: Tensor): Float32Array {
  const values = floatValues(tensor);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad < 0) return values;
  throw invalidError('WEIGHT_NOT_FINITE', `weight "${tensor.name}" holds ${values[bad]} at element ${bad}`, {
    where: { tensor: tensor.name },
    hint: 'the model is damaged or diverged in training; leave the layer in float with --keep-float if it is meant',
  });
}

const biasesOf = (plan: Plan, weight: WeightPlan): BiasPlan[] =>
  weight.weightOnly
    ? []
    : plan.biases.filter((b) => b.weight === weight.tensor && weight.uses.some((u) => u.node === b.node));

/** Makes room for the bias by raising weight scales in place; false when that would cost other channels. */
function makeRoom(
  plan: BiasPlan,
  values: Float32Array,
  activationScale: Map<string, number>,
  params: ChannelParams,
  diagnostics: Diagnostic[],
): boolean {
  const overflow = biasOverflow(values, activationScale.get(plan.activation)!, params.scales);
  if (overflow.length === 0) return true;
  const where = { node: plan.node, tensor: plan.tensor };
  if (params.scales.length === 1 && values.length > 1) {
    const message = `bias "${plan.tensor}" does not fit int32 at this weight scale; it stays float`;
    diagnostics.push({ level: 'warning', code: 'BIAS_OVERFLOW', message, where });
    return false;
  }
  for (const { channel, factor } of overflow) params.scales[channel] *= factor;
  const message = `bias "${plan.tensor}" would overflow int32 in ${overflow.length} channels; their weight scales were raised`;
  diagnostics.push({ level: 'note', code: 'BIAS_OVERFLOW', message, where });
  return true;
}

function bias(
  plan: BiasPlan,
  values: Float32Array,
  activationScale: Map<string, number>,
  params: ChannelParams,
): QuantizedBias {
  const { values: codes, scales } = quantizeBias(
    values,
    activationScale.get(plan.activation)!,
    params.scales,
  );
  return { plan, codes, scale: scales };
}
