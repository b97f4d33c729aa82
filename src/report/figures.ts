import type { Fact, Target } from '../../targets/types.js';
import { bugError } from '../errors.js';
import type { LatencyMetrics } from '../verify/types.js';
import type { ModelCost } from './cost.js';
import { isConvolution } from './macs.js';
import type { Schedule } from './memory.js';
import type { Bound, Figure, SpeedAndPower } from './types.js';

const modelled = (value: number, unit: string, fact?: Fact): Figure => ({
  value,
  unit,
  kind: 'modelled',
  ...(fact && { band: fact.value, note: fact.source }),
});

/** The kind of a network: where most MACs are, and in which format. "" when it has none. */
export function kindOf(kernels: Iterable<{ convolution: boolean; format: string; macs: number }>): string {
  const macs = new Map<string, number>();
  for (const { convolution, format, macs: own } of kernels) {
    const kind = `${convolution ? 'convolutions' : 'products'} ${format}`;
    macs.set(kind, (macs.get(kind) ?? 0) + own);
  }
  const [most, work] = [...macs].sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
  return work > 0 ? most : '';
}

/** Latency bands are known for kinds of networks; the target's own band is for the rest, which nothing validates. */
export function latencyBand(cost: ModelCost, target: Target): Fact | undefined {
  const kind = kindOf(
    cost.kernels.map(({ kernel, format }) => ({
      convolution: isConvolution(kernel.anchor),
      format,
      macs: kernel.macs,
    })),
  );
  return target.errorBand?.kinds?.[kind] ?? target.errorBand?.latency;
}

export const timeFigure =
  (cost: ModelCost, target: Target) =>
  (value: number, unit: string): Figure =>
    modelled(value, unit, latencyBand(cost, target));

export const energyFigure =
  (target: Target) =>
  (value: number, unit: string): Figure =>
    modelled(value, unit, target.errorBand?.energy);

const MILLI = 1e3;

/** Speed, power and memory of a modelled run of `batch` samples, each figure with its band and what validates it. */
export function modelledFigures(
  cost: ModelCost,
  target: Target,
  batch: number,
  memory: Schedule,
): SpeedAndPower {
  const [time, power] = [timeFigure(cost, target), energyFigure(target)];
  const { seconds, joules, energy } = cost;
  const { live: _, ...use } = memory;
  return {
    latencyMs: time(MILLI * seconds, 'ms'),
    throughput: time(batch / seconds, 'runs/s'),
    ...(joules !== undefined && {
      energyMj: power(MILLI * joules, 'mJ'),
      watts: power(joules / seconds, 'W'),
    }),
    ...(energy && {
      energyParts: {
        compute: MILLI * energy.compute,
        onChip: MILLI * energy.onChip,
        memory: MILLI * energy.memory,
        static: MILLI * energy.static,
        call: MILLI * energy.call,
      },
    }),
    memory: use,
    timeShare: timeShare(cost),
  };
}

/** Each kernel's time counts for what binds it; dispatch and switches are overhead. */
function timeShare({ kernels, seconds }: ModelCost): Record<Bound, number> {
  const share = { compute: 0, memory: 0, overhead: 0 };
  for (const kernel of kernels) share[kernel.bound] += kernel.seconds / seconds;
  share.overhead = Math.max(0, 1 - share.compute - share.memory);
  return share;
}

/**
 * Speed as a stopwatch saw it here. Power is not known.
 * @throws QuantizeError LATENCY_MISSING (bug): whoever builds a report of a measured target measures first
 */
export function measuredFigures(
  latency: LatencyMetrics | undefined,
  which: 'floatMs' | 'quantizedMs',
): SpeedAndPower {
  if (!latency) throw bugError('LATENCY_MISSING', 'this target’s speed is measured, and nothing measured it');
  const note = `median of one run here, ${latency.threads} threads`;
  return {
    latencyMs: { value: latency[which], unit: 'ms', kind: 'measured', note },
    throughput: { value: 1e3 / latency[which], unit: 'runs/s', kind: 'measured', note },
  };
}
