import type { Diagnostic } from '../errors.js';
import type { Stats, TensorStats } from './types.js';

/** A range that the second half of the samples widens by more than this share has not settled. */
const GROWTH = 0.1;
/** Share of the tensors whose ranges may still grow. */
const UNSETTLED = 0.25;
/** Fewer samples have no halves to compare. */
const LEAST_SAMPLES = 4;

/** What the statistics say of the samples that they come from: repeated ones, and too few of them. Pure. */
export function sampleLints(stats: Stats): Diagnostic[] {
  if (stats.kind !== 'real') return [];
  return [...repeated(stats), ...unsettled(stats)];
}

/** Two samples with the same extremes in every tensor are one sample. */
function repeated({ tensors }: Stats): Diagnostic[] {
  const seen = new Map<number, string>();
  for (const { extremes } of tensors.values())
    for (const { index, min, max } of extremes) seen.set(index, `${seen.get(index) ?? ''}${min},${max};`);
  const copies = seen.size - new Set(seen.values()).size;
  if (copies === 0) return [];
  const message = `${copies} of ${seen.size} calibration samples repeat others; they add nothing to the ranges`;
  return [{ level: 'warning', code: 'SAMPLES_REPEAT', message }];
}

function unsettled({ tensors, sampleCount }: Stats): Diagnostic[] {
  if (sampleCount < LEAST_SAMPLES) return [];
  const growing = [...tensors.values()].filter(grows).length;
  if (growing <= UNSETTLED * tensors.size) return [];
  const message = `the second half of the ${sampleCount} calibration samples widened the ranges of ${growing} of ${tensors.size} tensors by more than ${100 * GROWTH} %: more samples would help`;
  return [{ level: 'note', code: 'SAMPLES_FEW', message }];
}

function grows({ extremes }: TensorStats): boolean {
  const first = widthOf(extremes.slice(0, extremes.length >> 1));
  return widthOf(extremes) > (1 + GROWTH) * first;
}

const widthOf = (extremes: TensorStats['extremes']): number =>
  extremes.reduce((most, { max }) => Math.max(most, max), 0) -
  extremes.reduce((least, { min }) => Math.min(least, min), 0);
