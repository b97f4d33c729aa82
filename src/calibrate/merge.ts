import { mergeHistograms } from '../../kernels/histogram.js';
import { type Diagnostic, invalidError } from '../errors.js';
import { copyStats } from './accumulate.js';
import { size, union } from './runs.js';
import { MAX_EXTREMES, type Stats, type TensorStats } from './types.js';

/**
 * One set of statistics out of several over different samples: bit for bit what one run over all of them gives, in
 * whatever order they come, because counts are integers and extremes are ordered by sample.
 * @throws STATS_OTHER_MODEL, STATS_OTHER_SETTINGS, STATS_OVERLAP (invalid)
 */
export function mergeStats(parts: Stats[]): Stats {
  const [first, ...rest] = parts;
  if (!first) throw invalidError('STATS_EMPTY', 'there are no statistics to merge');
  for (const part of rest) requireSameKey(first, part);
  const joined = union(parts.map((part) => part.samples));
  if ('overlap' in joined)
    throw invalidError('STATS_OVERLAP', `sample ${joined.overlap} is in more than one of the statistics`, {
      hint: 'Merge each shard once: --shard 0/n, 1/n, … of the same samples.',
    });
  const tensors = mergeTensors(parts.map((part) => part.tensors));
  return { ...first, samples: joined.runs, sampleCount: size(joined.runs), tensors };
}

/** The same tensors over different samples, taken together. */
export function mergeTensors(parts: ReadonlyMap<string, TensorStats>[]): Map<string, TensorStats> {
  const [first, ...rest] = parts;
  const tensors = new Map([...first].map(([name, stats]) => [name, copyStats(stats)]));
  for (const part of rest) for (const [name, stats] of part) mergeTensor(tensors.get(name)!, stats);
  return tensors;
}

/** @throws STATS_OTHER_MODEL, STATS_OTHER_SETTINGS (invalid) */
export function requireSameKey(a: Pick<Stats, 'modelHash' | 'settingsHash'>, b: Stats): void {
  requireModel(b, a.modelHash);
  if (a.settingsHash !== b.settingsHash)
    throw invalidError(
      'STATS_OTHER_SETTINGS',
      `the statistics of ${b.source} were gathered with other settings`,
      {
        hint: 'Samples, preprocessing, scheme, target and kind of method must be the same.',
      },
    );
}

/** @throws STATS_OTHER_MODEL (invalid) */
export function requireModel(stats: Stats, modelHash: string, file?: string): void {
  if (stats.modelHash === modelHash) return;
  throw invalidError(
    'STATS_OTHER_MODEL',
    `the statistics${file ? ` in "${file}"` : ''} belong to another model (sha256 ${stats.modelHash.slice(0, 12)}…)`,
    { where: { file }, hint: 'Calibrate this model again.' },
  );
}

function mergeTensor(into: TensorStats, from: TensorStats): void {
  into.count += from.count;
  into.nan += from.nan;
  into.inf += from.inf;
  into.min = Math.min(into.min, from.min);
  into.max = Math.max(into.max, from.max);
  if ((from.firstBadIndex ?? Number.POSITIVE_INFINITY) < (into.firstBadIndex ?? Number.POSITIVE_INFINITY)) {
    into.firstBadSample = from.firstBadSample;
    into.firstBadIndex = from.firstBadIndex;
  }
  if (into.positive.length > 0) mergeHistograms(into, from);
  into.extremes = [...into.extremes, ...from.extremes].sort((a, b) => a.index - b.index).slice(-MAX_EXTREMES);
}

/** Findings about values that are no numbers, the earliest sample first, and in it the first tensor of `order`. */
export function notFinite(stats: Stats, order: readonly string[] = []): Diagnostic[] {
  const place = new Map(order.map((name, i) => [name, i]));
  return [...stats.tensors]
    .filter(([, t]) => t.nan + t.inf > 0)
    .sort(
      ([p, a], [q, b]) => a.firstBadIndex! - b.firstBadIndex! || (place.get(p) ?? 0) - (place.get(q) ?? 0),
    )
    .map(([name, t]) => ({
      level: 'warning',
      code: 'CALIBRATION_NOT_FINITE',
      message: `tensor "${name}" holds ${t.nan} NaN and ${t.inf} infinite values, first in sample "${t.firstBadSample}"`,
      where: { tensor: name, sample: t.firstBadSample },
    }));
}

/**
 * Refuses statistics of values that are no numbers: a scale made of them would be meaningless.
 * @param order names of values as the graph computes them, so that the error names the origin and not what it spoilt
 * @throws CALIBRATION_NOT_FINITE (invalid) naming the tensor and the sample, CALIBRATION_EMPTY when nothing was seen
 */
export function checkFinite(stats: Stats, order?: readonly string[]): void {
  const [first, ...more] = notFinite(stats, order);
  if (first)
    throw invalidError(
      first.code,
      `${first.message}${more.length > 0 ? `; ${more.length} more tensors are affected` : ''}`,
      {
        where: first.where,
        hint: 'Check that sample and its preprocessing; if the model itself overflows, keep that part in float.',
      },
    );
}
