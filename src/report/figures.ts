import type { Target } from '../../targets/types.js';
import { bugError } from '../errors.js';
import type { LatencyMetrics } from '../verify/types.js';
import type { ModelCost } from './cost.js';
import type { Figure, SpeedAndPower } from './types.js';

/** Speed and power from the roofline, each figure with its band and what validates it. */
export function modelledFigures(cost: ModelCost, target: Target): SpeedAndPower {
  const { latency, energy } = target.errorBand ?? {};
  const figure = (value: number, unit: string, fact: typeof latency): Figure => ({
    value,
    unit,
    kind: 'modelled',
    ...(fact && { band: fact.value, note: fact.source }),
  });
  const { seconds, joules } = cost;
  return {
    latencyMs: figure(1e3 * seconds, 'ms', latency),
    throughput: figure(1 / seconds, 'runs/s', latency),
    ...(joules !== undefined && {
      energyMj: figure(1e3 * joules, 'mJ', energy),
      watts: figure(joules / seconds, 'W', energy),
    }),
  };
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
