import { elementOf, weightGrid } from '../../../kernels/grid.js';
import { blockShape, type ChannelParams, dequantize } from '../../../kernels/quantize.js';
import { createKernels } from '../../../kernels/wasm.js';
import type { Model, Tensor } from '../../ir/model.js';
import { floatTensor, floatValues } from '../../ir/tensor.js';
import type { WeightPlan } from '../../plan/types.js';
import {
  type QuantizedWeight,
  quantizeNumbers,
  type RoundedWeights,
  weightKey,
} from '../../quantize/index.js';
import { between, mayLearnCodes } from '../../train/index.js';
import type { Draft } from '../draft.js';

/** Scratch of the kernels: weights stay where they are and pass through in pieces. */
const KERNEL_BYTES = 1 << 20;
/**
 * So far from its code, in steps, a weight may start: within half a step it rounds to it. What was rounded by outputs starts
 * on its code: many of those codes are not the nearest, and weights at their edges would leave them in the first steps, and
 * with them the minimum that rounding found.
 */
const NEAR = { nearest: 0.45, byOutputs: 0 };

/** Where training starts: what rounding made of the weights, and constants that round to just that. */
export interface Start {
  weights: QuantizedWeight[];
  constants: Map<string, Tensor>;
}

/**
 * Weights start so that training begins with the network that the draft makes: on the codes that it chose by outputs, else as
 * near to the float model's as codes on the grid that errs least allow.
 * @param onCodes all weights start on their codes
 */
export function startOf({ job, plan, means, rounded = new Map() }: Draft, onCodes = false): Start {
  const constants = new Map(job.prepared.graph.initializers.map((t) => [t.name ?? '', t]));
  const searched = new Map([...searchedGrids(plan.weights, constants), ...rounded]);
  const { numbers } = quantizeNumbers(job.prepared, plan, means, searched);
  const starts = new Map<string, Tensor>();
  for (const weight of numbers.weights) {
    const tensor = constants.get(weight.plan.tensor);
    const near = onCodes || rounded.has(weightKey(weight.plan)) ? NEAR.byOutputs : NEAR.nearest;
    if (tensor)
      starts.set(
        tensor.name!,
        floatTensor(tensor.name!, tensor.dims, nearCodes(weight, floatValues(tensor), near)),
      );
  }
  for (const { plan: bias, codes, scale } of numbers.biases) {
    const values = Float32Array.from(codes, (code, i) => code * scale[scale.length > 1 ? i : 0]);
    starts.set(bias.tensor, floatTensor(bias.tensor, constants.get(bias.tensor)!.dims, values));
  }
  return { weights: numbers.weights, constants: starts };
}

/** Where learning of codes starts: each weight between its code and the neighbour that lies towards the float weight. */
export function undecidedStart(draft: Draft): Start & { undecided: Set<string> } {
  const { weights, constants } = startOf(draft, true);
  const floats = new Map(draft.job.prepared.graph.initializers.map((t) => [t.name ?? '', t]));
  const undecided = new Set<string>();
  const open = weights.map((weight) => {
    const { tensor } = weight.plan;
    if (!floats.has(tensor) || !mayLearnCodes(weight)) return weight;
    const { lower, start } = between(weight, floatValues(floats.get(tensor)!));
    constants.set(tensor, floatTensor(tensor, weight.dims, start));
    undecided.add(tensor);
    return { ...weight, codes: lower };
  });
  return { weights: open, constants, undecided };
}

/** The grid that errs least for each weight of the main graph. */
function searchedGrids(
  weights: readonly WeightPlan[],
  constants: ReadonlyMap<string, Tensor>,
): RoundedWeights {
  const kernels = createKernels(KERNEL_BYTES);
  const entries = weights.flatMap((plan) => {
    const tensor = constants.get(plan.tensor);
    if (!tensor || plan.rounding === 'stochastic') return [];
    const values = floatValues(tensor);
    const block = plan.granularity.kind === 'block' ? plan.granularity.size : undefined;
    const shape = blockShape(plan.view ?? tensor.dims, plan.axis, block);
    const { symmetric, scaleRule } = plan;
    const params = weightGrid(kernels, values, shape, plan.format, { symmetric, scaleRule, clip: 'mse' });
    return [[weightKey(plan), weightOn(values, params)] as const];
  });
  return new Map(entries);
}

/** Values with the grid that they are to be rounded on; nothing is known of what it costs. */
export const weightOn = (values: Float32Array, params: ChannelParams) => ({
  values,
  params,
  objective: 0,
  nearest: 0,
});

function nearCodes(
  { codes, shape, params, plan }: QuantizedWeight,
  values: Float32Array,
  near: number,
): Float32Array {
  const row = elementOf(plan.format);
  const onGrid = dequantize(codes, shape, params, row);
  if (row.kind !== 'integer' || near === 0) return onGrid;
  const steps = dequantize(
    codes.map(() => 1) as typeof codes,
    shape,
    { ...params, zeroPoints: params.zeroPoints.map(() => 0) },
    row,
  );
  return onGrid.map((value, i) => {
    const reach = near * steps[i];
    return Math.min(Math.max(values[i], value - reach), value + reach);
  });
}

/** The model with other constants of the same names. */
export const withConstants = (model: Model, constants: ReadonlyMap<string, Tensor>): Model => ({
  ...model,
  graph: {
    ...model.graph,
    initializers: model.graph.initializers.map((t) => constants.get(t.name ?? '') ?? t),
  },
});
