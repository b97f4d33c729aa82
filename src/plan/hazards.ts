import type { Diagnostic } from '../errors.js';
import { isOp } from '../ir/graph.js';
import type { Tensor } from '../ir/model.js';
import { elementCount, floatValues } from '../ir/tensor.js';
import { decideFlow, type PlanInput } from './flow.js';
import { weightLints } from './lints.js';
import { weightRule } from './rules/index.js';
import type { WeightPlan } from './types.js';
import { planWeights } from './weights.js';

/** A channel whose largest weight falls within this share of the tensor's gets at most two steps on either side of zero. */
const STARVED = 2.5 / 127;
const CONTROL_FLOW = ['If', 'Loop', 'Scan'];

/** What will hurt, seen without data. Pure. */
export function hazards(input: PlanInput): Diagnostic[] {
  const flow = decideFlow(input);
  const constants = flow.links.initializer;
  const weights = planWeights(flow, input).filter((w) => constants.has(w.tensor));
  const found = weights.flatMap((w) => channelSpread(w, constants.get(w.tensor)!, input));
  const nodes = new Map(flow.graph.nodes.map((n) => [n.name ?? '', n]));
  for (const { tensor, uses, weightOnly } of weights) {
    const node = nodes.get(uses[0].node);
    if (node && !weightOnly && uses[0].input === 1) found.push(...weightLints(node, constants.get(tensor)!));
  }
  const control = flow.graph.nodes.filter((n) => isOp(n, ...CONTROL_FLOW)).length;
  if (control > 0)
    found.push({
      level: 'note',
      code: 'CONTROL_FLOW',
      message: `${control} If, Loop or Scan nodes: inside them weights are stored as codes, activations stay float`,
    });
  return found;
}

/** With one scale a tensor, channels far smaller than the largest lose nearly all their codes. */
function channelSpread(plan: WeightPlan, tensor: Tensor, input: PlanInput): Diagnostic[] {
  if (plan.granularity.kind !== 'perlayer') return [];
  const node = input.model.graph.nodes.find((n) => n.name === plan.uses[0].node);
  const role = node && weightRule(node)?.weights?.find((w) => w.input === plan.uses[0].input);
  const axis = node && role?.channelAxis(node, tensor);
  if (typeof axis !== 'number') return [];
  const largest = channelMaxima(floatValues(tensor), tensor.dims, axis);
  const top = largest.reduce((a, b) => Math.max(a, b), 0);
  const starved = largest.filter((m) => m > 0 && m < top * STARVED).length;
  if (starved === 0) return [];
  const message = `${starved} of ${largest.length} channels of "${plan.tensor}" keep at most 5 of 255 codes under one scale a tensor; use a perchannel scheme`;
  return [
    { level: 'warning', code: 'CHANNEL_SPREAD', message, where: { node: node!.name, tensor: plan.tensor } },
  ];
}

function channelMaxima(values: Float32Array, dims: number[], axis: number): Float64Array {
  const inner = elementCount(dims.slice(axis + 1));
  const maxima = new Float64Array(dims[axis]);
  for (let i = 0; i < values.length; i++) {
    const channel = Math.floor(i / inner) % dims[axis];
    const magnitude = Math.abs(values[i]);
    if (magnitude > maxima[channel]) maxima[channel] = magnitude;
  }
  return maxima;
}
