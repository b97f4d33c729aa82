import { findFormat } from '../../kernels/formats.js';
import type { Target } from '../../targets/types.js';
import type { Stats } from '../calibrate/types.js';
import { bugError } from '../errors.js';
import { opsetVersion } from '../ir/graph.js';
import {
  planActivations,
  type RangeOf,
  rangesFrom,
  tensorsToCalibrate,
  unfitTensors,
} from './activations.js';
import { planDynamic } from './dynamic.js';
import { decideFlow, type Flow, type PlanInput } from './flow.js';
import { weightOpset } from './form.js';
import { activationsOn, usualEncoding } from './scheme.js';
import { forTensorrt } from './tensorrt.js';
import type { Encoding, FloatPlan, IntegerPlan, Plan, Scheme } from './types.js';
import { checkWeights, planBiases, planWeights } from './weights.js';

/**
 * Refuses weights that no format can hold.
 * @throws QuantizeError WEIGHT_NOT_FINITE (invalid)
 */
export const requireFiniteWeights = (input: PlanInput): void => checkWeights(decideFlow(input), input);

/** Tensors whose ranges a plan for this scheme and target needs from data. Pure; names in ascending order. */
export const candidates = (input: PlanInput): string[] => tensorsToCalibrate(decideFlow(input), input);

/** Q/DQ exist from 10 on, and Round from 11 on: onnxruntime quantizes biases with it by itself. */
const LEAST_OPSET = 11;
/** INT8, FP8 and INT4 in one opset, which its parser knows from release 10 on. */
const TENSORRT_OPSET = 21;

/** Lowest ai.onnx opset that can express the scheme on a target. */
export function requiredOpset(scheme: Scheme, target: Target, encoding: Encoding = 'exec'): number {
  const activations = findFormat(activationsOn(scheme, target));
  const least = forTensorrt({ target }) ? TENSORRT_OPSET : LEAST_OPSET;
  return Math.max(least, weightOpset(scheme, encoding), activations?.opset ?? 0);
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
  const rangeOf = stats ? rangesFrom(stats, method, input) : noRange;
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

/** A plan without statistics has no activations to ask for. */
const noRange = (tensor: string): never => {
  throw bugError('NO_STATISTICS', `the plan needs a range of "${tensor}" and has no statistics`);
};

function assemble(input: PlanInput, method: string, modelHash: string, rangeOf: RangeOf): Plan {
  const flow = decideFlow(input);
  const weights = planWeights(flow, input);
  const dynamic = planDynamic(flow, weights, input);
  const runs = new Set(dynamic.map((d) => d.node));
  return {
    schema: 'onnx-quantize/plan@1',
    model: modelHash,
    target: input.target.id,
    scheme: input.scheme.name,
    method,
    opset: opsetVersion(input.model),
    encoding: input.writing?.encoding ?? usualEncoding(input.scheme, input.target),
    ...(forTensorrt(input) && { placement: 'tensorrt' as const }),
    ...highPrecisionOf(input),
    ...(input.writing?.rounding === 'stochastic' && { seed: input.writing.seed ?? 0 }),
    evidence: 'synthetic',
    activations: planActivations(flow, input, rangeOf),
    weights,
    biases: planBiases(flow, weights, input),
    biasCorrection: false,
    integer: integerNodes(flow),
    dynamic,
    float: floatNodes(flow, new Set(weights.flatMap((w) => w.uses.map((u) => u.node))), input.scheme).filter(
      ({ node }) => !runs.has(node),
    ),
  };
}

function highPrecisionOf({ writing }: PlanInput): Pick<Plan, 'highPrecision'> {
  const type = writing?.highPrecision ?? 'fp32';
  return type === 'fp32' ? {} : { highPrecision: type };
}

/** What computes in integers and what does not, without data. */
export function describeFlow(input: PlanInput): { integer: IntegerPlan[]; float: FloatPlan[] } {
  const flow = decideFlow(input);
  const stored = new Set(planWeights(flow, input).flatMap((w) => w.uses.map((u) => u.node)));
  return { integer: integerNodes(flow), float: floatNodes(flow, stored, input.scheme) };
}

const integerNodes = (flow: Flow): IntegerPlan[] =>
  [...flow.integer].map((node) => ({
    node: node.name ?? '',
    opType: node.opType,
    reason: flow.fusedBehind.has(node)
      ? `applied by ${flow.fusedBehind.get(node)!.opType} "${flow.fusedBehind.get(node)!.name}" before it rounds`
      : (flow.notes.get(node) ?? flow.candidates.get(node)!.rule.description),
  }));

function floatNodes(flow: Flow, weightOnly: Set<string>, { float, name }: Scheme): FloatPlan[] {
  const idle = float ? `${name} quantizes nothing` : 'weight-only scheme: activations stay float';
  return flow.graph.nodes
    .filter((node) => !flow.integer.has(node))
    .map((node) => {
      const reason = flow.refused.get(node) ?? idle;
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
export { executable, executableWeight, MIXED_OPSET, weightOpset } from './form.js';
export { hazards } from './hazards.js';
export { resolveKeepFloat } from './keep-float.js';
export { activationsOn, parseScheme, SCHEMES, usualEncoding } from './scheme.js';
export { checkWriting, type Writing } from './writing.js';
