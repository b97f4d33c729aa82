import { format } from '../../kernels/formats.js';
import { EDGES } from '../../kernels/histogram.js';
import { activationParams } from '../../kernels/quantize.js';
import { findMethod } from '../calibrate/methods/index.js';
import type { Range, Stats, TensorStats } from '../calibrate/types.js';
import { invalidError, unsupportedError } from '../errors.js';
import { sparedActivations } from './ends.js';
import type { Flow, PlanInput } from './flow.js';
import { activationRule } from './rules/index.js';
import { activationsOn } from './scheme.js';
import type { ActivationPlan } from './types.js';

/** Tensor → the tensor whose scale it uses. */
export function shareScales(flow: Flow): Map<string, string> {
  const parent = new Map<string, string>([...flow.quantized].map((t) => [t, t]));
  const root = (t: string): string => {
    const p = parent.get(t)!;
    return p === t ? t : root(p);
  };
  for (const { node, activations } of flow.tied) {
    const tied = [...activations, ...node.outputs].filter((t) => flow.quantized.has(t));
    for (const t of tied) parent.set(root(t), root(tied[0]));
  }
  return new Map([...flow.quantized].map((t) => [t, root(t)]));
}

/** With fewer bits than these a range that is known is better cut: of 16 steps between 0 and 1 a Softmax reaches few. */
const KNOWN_RANGE_BITS = 8;

/** The range that an operator's definition gives, e.g. 0…1 behind a Softmax. */
function fixedRange(
  flow: Flow,
  { scheme, target }: PlanInput,
  tensor: string,
): readonly [number, number] | undefined {
  const producer = flow.links.producer.get(tensor);
  const range = producer && activationRule(producer)?.fixedRange;
  return range && format(activationsOn(scheme, target)).bits >= KNOWN_RANGE_BITS ? range : undefined;
}

/** Quantized tensors whose ranges must come from data. */
export const tensorsToCalibrate = (flow: Flow, input: PlanInput): string[] =>
  [...flow.quantized].filter((t) => !fixedRange(flow, input, t)).sort();

/** A range and the id of what chose it. */
export type Chosen = Range & { method: string };

/** The range of a tensor for the format that it will have. */
export type RangeOf = (tensor: string, format: string) => Chosen;

/** Chooses ranges from statistics by a calibration method. */
export function rangesFrom(stats: Stats | undefined, methodId: string, { target }: PlanInput): RangeOf {
  const { symmetric } = target.activations;
  return (tensor, formatId) => {
    const row = format(formatId);
    // A float's error is relative: clipping the largest value makes none of the others more exact.
    const id = row.kind === 'float' ? 'minmax' : methodId;
    const steps = symmetric ? row.symmetricMax - row.symmetricMin : row.qmax - row.qmin;
    const range = findMethod(id).range(statsOf(stats, tensor), { steps, symmetric });
    if (Number.isNaN(range.min + range.max)) throw extremesOnly(tensor, id);
    return { ...range, method: id };
  };
}

const extremesOnly = (tensor: string, method: string) =>
  invalidError(
    'STATS_EXTREMES_ONLY',
    `the statistics hold no histogram of "${tensor}", which ${method} needs`,
    {
      where: { tensor },
      hint: 'gather them anew with `quantize calibrate`, or take --method minmax',
    },
  );

/** A format of its own, and why. */
interface OwnFormat {
  format: string;
  reason: string;
}

/** Tensors whose format is not the scheme's. Those that share a scale share it too. */
function ownFormats(flow: Flow, input: PlanInput, shared: Map<string, string>): Map<string, OwnFormat> {
  const narrow = activationsOn(input.scheme, input.target);
  const spared = sparedActivations(flow, input);
  const why = new Map([...(spared?.reasons ?? [])].map(([tensor, reason]) => [shared.get(tensor), reason]));
  const own = new Map<string, OwnFormat>();
  for (const [tensor, root] of shared) {
    const reason = why.get(root);
    if (input.wide?.has(tensor))
      own.set(tensor, {
        format: narrow.startsWith('u') ? 'uint16' : 'int16',
        reason: '16 bits: 8 cost more here than elsewhere',
      });
    else if (spared && reason) own.set(tensor, { format: spared.format, reason });
  }
  return own;
}

export function planActivations(flow: Flow, input: PlanInput, rangeOf: RangeOf): ActivationPlan[] {
  const { scheme, target } = input;
  const narrow = activationsOn(scheme, target);
  const { symmetric } = target.activations;
  const shared = shareScales(flow);
  const formats = ownFormats(flow, input, shared);
  const own = (tensor: string): Chosen => {
    const fixed = fixedRange(flow, input, tensor);
    return fixed
      ? { min: fixed[0], max: fixed[1], method: 'fixed' }
      : rangeOf(tensor, formats.get(tensor)?.format ?? narrow);
  };
  const ranges = new Map([...flow.quantized].map((t) => [t, own(t)]));
  const groups = groupRanges(shared, ranges);
  return [...flow.quantized].map((tensor) => {
    const root = shared.get(tensor)!;
    const { min, max } = groups.get(root)!;
    const { method } = ranges.get(tensor)!;
    const { format: formatId, reason } = formats.get(tensor) ?? { format: narrow, reason: undefined };
    return {
      tensor,
      format: formatId,
      ...activationParams(min, max, format(formatId), { symmetric }),
      range: [min, max],
      method,
      ...(root === tensor ? {} : { sharedWith: root }),
      reason: `${reasonFor(flow, tensor, root, method)}${reason ? `; ${reason}` : ''}`,
    };
  });
}

/** Share of the non-zero values that may round to zero before a tensor counts as beyond its format. */
const LOST_SHARE = 0.75;

/**
 * Tensors whose values span more than the grid can: most of what is not zero would become zero. Power spectra do
 * that, and the network behind them goes blind. With statistics of ranges alone nothing is known, and nothing refused.
 */
export function unfitTensors(
  plans: readonly ActivationPlan[],
  stats: Stats | undefined,
): Map<string, string> {
  const unfit = new Map<string, string>();
  for (const { tensor, scale, format: id } of plans) {
    const lost = shareBelow(stats?.tensors.get(tensor), scale / 2);
    if (lost > LOST_SHARE)
      unfit.set(tensor, `${Math.round(100 * lost)} % of its non-zero values would round to zero in ${id}`);
  }
  return unfit;
}

/** Share of the non-zero values of magnitude below `limit`, to a bucket of the histogram. */
function shareBelow(stats: TensorStats | undefined, limit: number): number {
  if (!stats) return 0;
  let below = 0;
  let all = 0;
  // Bucket 0 holds the zeros.
  for (let bucket = 1; bucket < stats.positive.length; bucket++) {
    const count = stats.positive[bucket] + stats.negative[bucket];
    all += count;
    if (EDGES[bucket] < limit) below += count;
  }
  return all === 0 ? 0 : below / all;
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
