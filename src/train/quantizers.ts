import { format } from '../../kernels/formats.js';
import { elementOf } from '../../kernels/grid.js';
import { links } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { ActivationPlan, Plan } from '../plan/types.js';
import type { QuantizedWeight } from '../quantize/types.js';
import { gridOf, type Rounder } from './grids.js';

/** A set of scales that one or more values are rounded with. */
export interface Scales {
  key: string;
  /** So that it broadcasts to the value as it is rounded. */
  dims: number[];
  initial: Float32Array;
  learned: boolean;
}

export interface WeightQuantizer {
  weight: QuantizedWeight;
  scales: Scales;
  grid: Rounder;
  codes: number;
  /** Which of two neighbouring codes each takes is learned. */
  undecided: boolean;
}

export interface ActivationQuantizer {
  plan: ActivationPlan;
  scales: Scales;
  grid: Rounder;
  codes: number;
  /** Node and input that read the rounded value. */
  readers: Set<string>;
}

export const slot = (node: string, input: number): string => `${node} ${input}`;

/** Codes on one side of zero. */
const side = (id: string): number => {
  const row = elementOf(id);
  return row.kind === 'integer' ? Math.max(row.qmax, 1) : 2 ** (row.bits - 1);
};

/** [outer, channels, inner] of a weight as it is rounded, blocks apart: [outer, blocks, block, inner]. */
export function roundedDims({ shape }: QuantizedWeight): { values: number[]; scales: number[] } {
  const { outer, channels, inner, block } = shape;
  if (block === undefined) return { values: [outer, channels, inner], scales: [1, channels, 1] };
  const blocks = Math.ceil(channels / block);
  return { values: [outer, blocks, block, inner], scales: [outer, blocks, 1, inner] };
}

/** How the weights of the main graph are rounded. Scales of a narrow format, casts and tables stay as they are. */
export function weightQuantizers(
  weights: readonly QuantizedWeight[],
  learn: boolean,
  undecided: ReadonlySet<string> = new Set(),
): WeightQuantizer[] {
  return weights.map((weight) => {
    const { params, plan } = weight;
    const row = elementOf(plan.format);
    const { scales: dims } = roundedDims(weight);
    const learned = learn && row.scaled && params.coded === undefined && params.tables === undefined;
    return {
      weight,
      scales: {
        key: `weight ${plan.tensor} ${plan.axis} ${plan.weightOnly}`,
        dims,
        initial: params.scales,
        learned,
      },
      grid: gridOf(row, params, dims),
      codes: side(plan.format),
      undecided: undecided.has(plan.tensor),
    };
  });
}

/**
 * How activations are rounded, and who reads them rounded: as the emitted model has it.
 * @param arriving inputs that integer operators before this part of a network make
 */
export function activationQuantizers(
  { graph }: Model,
  plan: Plan,
  learn: boolean,
  arriving: ReadonlySet<string> = new Set(),
): ActivationQuantizer[] {
  const { producer, uses } = links(graph);
  const integer = new Set(plan.integer.map((i) => i.node));
  const scales = new Map<string, Scales>();
  return plan.activations.map((activation) => {
    const key = `activation ${activation.sharedWith ?? activation.tensor}`;
    const learned = learn && activation.method !== 'fixed';
    const own = { key, dims: [1], initial: Float32Array.of(activation.scale), learned };
    const shared = scales.get(key) ?? own;
    scales.set(key, shared);
    const maker = producer.get(activation.tensor);
    const made = arriving.has(activation.tensor) || (maker !== undefined && integer.has(maker.name ?? ''));
    const all = made && plan.placement !== 'tensorrt';
    const readers = (uses.get(activation.tensor) ?? []).filter((u) => all || integer.has(u.node.name ?? ''));
    return {
      plan: activation,
      scales: shared,
      grid: gridOf(format(activation.format), { zeroPoints: [activation.zeroPoint] }, []),
      codes: side(activation.format),
      readers: new Set(readers.map((u) => slot(u.node.name ?? '', u.input))),
    };
  });
}
