import { findFormat, format } from '../../kernels/formats.js';
import { rangeToParams } from '../../kernels/quantize.js';
import { findMethod } from '../calibrate/methods/index.js';
import type { Range, Stats, TensorStats } from '../calibrate/types.js';
import { unsupportedError } from '../errors.js';
import type { Flow, PlanInput } from './flow.js';
import { activationRule } from './rules/index.js';
import type { ActivationPlan } from './types.js';

/** Tensor → the tensor whose scale it uses. Same-scale operators in integers tie their inputs and outputs together. */
export function shareScales(flow: Flow): Map<string, string> {
  const parent = new Map<string, string>([...flow.quantized].map((t) => [t, t]));
  const root = (t: string): string => {
    const p = parent.get(t)!;
    return p === t ? t : root(p);
  };
  for (const node of flow.integer) {
    const candidate = flow.candidates.get(node);
    if (candidate?.rule.kind !== 'sameScale') continue;
    const tied = [...candidate.activations, ...node.outputs].filter((t) => flow.quantized.has(t));
    for (const t of tied) parent.set(root(t), root(tied[0]));
  }
  return new Map([...flow.quantized].map((t) => [t, root(t)]));
}

/** The range that an operator's definition gives, e.g. 0…1 behind a Softmax. */
const fixedRange = (flow: Flow, tensor: string): readonly [number, number] | undefined => {
  const producer = flow.links.producer.get(tensor);
  return producer && activationRule(producer)?.fixedRange;
};

/** Quantized tensors whose ranges must come from data. */
export const tensorsToCalibrate = (flow: Flow): string[] =>
  [...flow.quantized].filter((t) => !fixedRange(flow, t)).sort();

/** A range and the id of what chose it. */
export type Chosen = Range & { method: string };

/** Chooses ranges from statistics by a calibration method. */
export function rangesFrom(
  stats: Stats | undefined,
  methodId: string,
  { target, scheme }: PlanInput,
): (tensor: string) => Chosen {
  const method = findMethod(methodId);
  const { symmetric } = target.activations;
  const row = format(activationFormat(scheme, target));
  const steps = symmetric ? row.symmetricMax - row.symmetricMin : row.qmax - row.qmin;
  return (tensor) => ({ ...method.range(statsOf(stats, tensor), { steps, symmetric }), method: methodId });
}

const activationFormat = (scheme: PlanInput['scheme'], target: PlanInput['target']): string =>
  scheme.activations && findFormat(scheme.activations) ? scheme.activations : target.activations.format;

export function planActivations(
  flow: Flow,
  { scheme, target }: PlanInput,
  rangeOf: (tensor: string) => Chosen,
): ActivationPlan[] {
  const formatId = activationFormat(scheme, target);
  const { symmetric } = target.activations;
  const shared = shareScales(flow);
  const own = (tensor: string): Chosen => {
    const fixed = fixedRange(flow, tensor);
    return fixed ? { min: fixed[0], max: fixed[1], method: 'fixed' } : rangeOf(tensor);
  };
  const ranges = new Map([...flow.quantized].map((t) => [t, own(t)]));
  const groups = groupRanges(shared, ranges);
  return [...flow.quantized].map((tensor) => {
    const root = shared.get(tensor)!;
    const { min, max } = groups.get(root)!;
    const { method } = ranges.get(tensor)!;
    return {
      tensor,
      format: formatId,
      ...rangeToParams(min, max, format(formatId), { symmetric }),
      range: [min, max],
      method,
      ...(root === tensor ? {} : { sharedWith: root }),
      reason: reasonFor(flow, tensor, root, method),
    };
  });
}

function groupRanges(shared: Map<string, string>, ranges: Map<string, Range>): Map<string, Range> {
  const groups = new Map<string, Range>();
  for (const [tensor, root] of shared) {
    const range = ranges.get(tensor)!;
    const group = groups.get(root);
    groups.set(
      root,
      group
        ? { min: Math.min(group.min, range.min), max: Math.max(group.max, range.max) }
        : { min: range.min, max: range.max },
    );
  }
  return groups;
}

function statsOf(stats: Stats | undefined, tensor: string): TensorStats {
  const found = stats?.tensors.get(tensor);
  if (found && found.count > 0) return found;
  throw unsupportedError('NO_STATISTICS', `no values of tensor "${tensor}" were seen in calibration`, {
    where: { tensor },
    hint: 'calibrate again with this version, model and target, or leave the layer in float with --keep-float',
  });
}

function reasonFor(flow: Flow, tensor: string, root: string, method: string): string {
  const producer = flow.links.producer.get(tensor);
  const made = producer ? `made by ${producer.opType} "${producer.name}"` : 'input of the model';
  if (method === 'fixed') return `${made}: its range is known without data`;
  return root === tensor ? made : `${made}; shares the scale of "${root}"`;
}
