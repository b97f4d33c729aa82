import { format } from '../../kernels/formats.js';
import type { Stats } from '../calibrate/types.js';
import { opsetVersion } from '../ir/graph.js';
import { type Chosen, planActivations, rangesFrom, tensorsToCalibrate, unfitTensors } from './activations.js';
import { decideFlow, type Flow, type PlanInput } from './flow.js';
import type { FloatPlan, IntegerPlan, Plan, Scheme } from './types.js';
import { checkWeights, planBiases, planWeights } from './weights.js';

/**
 * Refuses weights that no format can hold.
 * @throws QuantizeError WEIGHT_NOT_FINITE (invalid)
 */
export const requireFiniteWeights = (input: PlanInput): void => checkWeights(decideFlow(input), input);

/** Tensors whose ranges a plan for this scheme and target needs from data. Pure; names in ascending order. */
export const candidates = (input: PlanInput): string[] => tensorsToCalibrate(decideFlow(input));

/** Lowest ai.onnx opset that can express the scheme. */
export function requiredOpset(scheme: Scheme): number {
  const row = format(scheme.weights);
  return scheme.granularity.kind === 'perlayer' ? row.opset : row.opsetPerAxis;
}

/**
 * Decides everything: pure in its inputs, each decision with its reason.
 * @param stats absent when nothing needs ranges from data (weight-only schemes)
 * @param method calibration-method id
 */
export function makePlan(
  input: PlanInput,
  stats: Stats | undefined,
  method: string,
  modelHash: string,
): Plan {
  const rangeOf = rangesFrom(stats, method, input);
  const first = assemble(input, method, modelHash, rangeOf);
  const unfit = unfitTensors(first.activations, stats);
  const plan = unfit.size === 0 ? first : assemble({ ...input, unfit }, method, modelHash, rangeOf);
  const evidence = stats?.kind ?? 'real';
  return { ...plan, evidence };
}

/**
 * The decisions that need no data, for reports on size and speed: its ranges are placeholders, so it must not be
 * applied.
 */
export const draftPlan = (input: PlanInput, modelHash: string): Plan =>
  assemble(input, '', modelHash, () => ({ min: -1, max: 1, method: 'none' }));

function assemble(
  input: PlanInput,
  method: string,
  modelHash: string,
  rangeOf: (tensor: string) => Chosen,
): Plan {
  const flow = decideFlow(input);
  const weights = planWeights(flow, input);
  return {
    schema: 'onnx-quantize/plan@1',
    model: modelHash,
    target: input.target.id,
    scheme: input.scheme.name,
    method,
    opset: opsetVersion(input.model),
    evidence: 'synthetic',
    activations: planActivations(flow, input, rangeOf),
    weights,
    biases: planBiases(flow, weights),
    biasCorrection: false,
    integer: integerNodes(flow),
    float: floatNodes(flow, new Set(weights.flatMap((w) => w.uses.map((u) => u.node)))),
  };
}

/** What computes in integers and what does not, without data. */
export function describeFlow(input: PlanInput): { integer: IntegerPlan[]; float: FloatPlan[] } {
  const flow = decideFlow(input);
  const stored = new Set(planWeights(flow, input).flatMap((w) => w.uses.map((u) => u.node)));
  return { integer: integerNodes(flow), float: floatNodes(flow, stored) };
}

const integerNodes = (flow: Flow): IntegerPlan[] =>
  [...flow.integer].map((node) => ({
    node: node.name ?? '',
    opType: node.opType,
    reason: flow.fusedBehind.has(node)
      ? `applied by ${flow.fusedBehind.get(node)!.opType} "${flow.fusedBehind.get(node)!.name}" before it rounds`
      : flow.candidates.get(node)!.rule.description,
  }));

function floatNodes(flow: Flow, weightOnly: Set<string>): FloatPlan[] {
  return flow.graph.nodes
    .filter((node) => !flow.integer.has(node))
    .map((node) => {
      const reason = flow.refused.get(node) ?? 'weight-only scheme: activations stay float';
      return {
        node: node.name ?? '',
        opType: node.opType,
        reason: weightOnly.has(node.name ?? '') ? `${reason}; its weights are stored as codes` : reason,
      };
    });
}

export { checkPlan, planMisfit } from './check.js';
export { decodePlan, encodePlan } from './file.js';
export type { PlanInput } from './flow.js';
export { hazards } from './hazards.js';
export { resolveKeepFloat } from './keep-float.js';
export { parseScheme, SCHEMES } from './scheme.js';
