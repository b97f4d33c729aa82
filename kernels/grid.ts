import { findBlockFormat, type ScaleRule } from './block-formats.js';
import { type BlockShape, type ChannelParams, scaleCount } from './blocks.js';
import { scaleCandidates } from './coded-scales.js';
import { format, type NumberFormat } from './formats.js';
import { halfQuadratic } from './half-quadratic.js';
import { lookUpTables } from './kmeans.js';
import { groupExtremes, weightParams } from './params.js';
import type { Kernels } from './wasm.js';

export interface GridOptions {
  /** Integers: a grid centred on zero (default). */
  symmetric?: boolean;
  /** The whole range of each group (default), or one in it. */
  clip?: 'minmax' | Clip;
  /** Of block formats; by default the first of the row. */
  scaleRule?: ScaleRule;
  /** How much each value counts where a look-up table is fitted: second-order importance, say. Of the values' length. */
  importance?: Float32Array;
}

/**
 * How the range of a group is chosen by its own values: that with the least squared error, or from there, for whole codes,
 * the scale with the least Σ|error|^¾, which minds a few large errors less (half-quadratic quantization).
 */
export type Clip = (typeof CLIPPED)[number];
export const CLIPPED = ['mse', 'hqq'] as const;

/** Ranges that the search for the smallest error tries, as shares of the whole range. */
const CLIPS = Array.from({ length: 48 }, (_, i) => 1 - i / 64);

/** The format of the codes of a format or block format. */
export const elementOf = (id: string): NumberFormat => format(findBlockFormat(id)?.element ?? id);

/**
 * What the codes of `values` mean in any format, number or block format by its id: the one way from weights to parameters.
 * @throws RangeError when values and shape do not belong together, or a format does not have the scale rule
 */
export function weightGrid(
  kernels: Kernels,
  values: Float32Array,
  shape: BlockShape,
  id: string,
  { symmetric = true, clip = 'minmax', scaleRule, importance }: GridOptions = {},
): ChannelParams {
  const block = findBlockFormat(id);
  const row = elementOf(id);
  if (block) {
    const { min, max } = groupExtremes(values, shape);
    const magnitudes = max.map((high, i) => Math.max(high, -min[i]));
    const candidates = scaleCandidates(block, magnitudes, scaleRule ?? block.rules[0]);
    return keepBest(kernels, values, shape, row, candidates);
  }
  const whole = weightParams(values, shape, row, { symmetric });
  if (row.kind === 'table' && !row.table) {
    return { ...whole, tables: lookUpTables(values, shape, row.bits, importance) };
  }
  if (clip === 'minmax' || !row.scaled) return whole;
  const narrower = CLIPS.map((share) => ({ ...whole, scales: whole.scales.map((s) => s * share) }));
  const best = keepBest(kernels, values, shape, row, narrower);
  return clip === 'hqq' && row.kind === 'integer' ? halfQuadratic(kernels, values, shape, row, best) : best;
}

/** Of several sets of parameters the one with the least squared error, group by group; the first of equal ones. */
export function keepBest(
  kernels: Kernels,
  values: Float32Array,
  shape: BlockShape,
  row: NumberFormat,
  candidates: readonly ChannelParams[],
): ChannelParams {
  if (candidates.length === 1) return candidates[0];
  const best = copyOf(candidates[0]);
  const least = new Float64Array(scaleCount(shape)).fill(Infinity);
  const rounded = new Float32Array(values.length);
  for (const candidate of candidates) {
    kernels.fakeQuantize(values, shape, candidate, row, rounded);
    const errors = kernels.groupErrors(values, rounded, shape);
    for (let i = 0; i < least.length; i++) {
      if (errors[i] >= least[i]) continue;
      least[i] = errors[i];
      take(best, candidate, i);
    }
  }
  return best;
}

const copyOf = ({ coded, ...params }: ChannelParams): ChannelParams => ({
  scales: params.scales.slice(),
  zeroPoints: params.zeroPoints.slice(),
  ...(coded && { coded: { ...coded, codes: coded.codes.slice() } }),
});

function take(into: ChannelParams, from: ChannelParams, group: number): void {
  into.scales[group] = from.scales[group];
  into.zeroPoints[group] = from.zeroPoints[group];
  if (into.coded && from.coded) into.coded.codes[group] = from.coded.codes[group];
}
