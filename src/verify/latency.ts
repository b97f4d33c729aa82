import { availableParallelism } from 'node:os';
import type { Model } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Feeds, Session } from '../runtime/types.js';
import { fetch, tensorOutputs, withSessions } from './sessions.js';
import type { LatencyMetrics } from './types.js';

export interface LatencyOptions {
  float: Model;
  /** Absent: the float model is timed alone and stands in both figures. */
  quantized?: Model;
  feeds: Feeds;
  threads?: number;
  /** Stop after so many rounds (default 30, at least 3) or seconds (default 3), whichever is first. */
  rounds?: number;
  seconds?: number;
  /** `fastest`: what the machine can do, whatever else it is busy with. Default: the median. */
  statistic?: 'median' | 'fastest';
}

const WARM_UP = 2;
const MIN_ROUNDS = 3;

/**
 * Milliseconds of one run here, the median unless asked otherwise. The models take turns, so that a change of the machine's load or clock meets
 * both alike; the median leaves out the odd run that something interrupted.
 */
export async function measureLatency(options: LatencyOptions): Promise<LatencyMetrics> {
  const threads = options.threads ?? availableParallelism();
  const models = options.quantized ? [options.float, options.quantized] : [options.float];
  return withSessions(
    models.map((model) => () => openModel(model, { threads })),
    async (sessions) => {
      const times = await takeTurns(sessions, options);
      const summary = options.statistic === 'fastest' ? fastest : median;
      const [floatMs, quantizedMs = floatMs] = times.map(summary);
      return { floatMs, quantizedMs, threads };
    },
  );
}

async function takeTurns(sessions: Session[], options: LatencyOptions): Promise<number[][]> {
  const times = sessions.map((): number[] => []);
  const names = sessions.map(tensorOutputs);
  for (let i = 0; i < WARM_UP; i++)
    for (const [s, session] of sessions.entries()) await fetch(session, options.feeds, names[s]);
  const deadline = performance.now() + 1000 * (options.seconds ?? 3);
  const rounds = Math.max(MIN_ROUNDS, options.rounds ?? 30);
  for (let round = 0; round < rounds; round++) {
    if (round >= MIN_ROUNDS && performance.now() > deadline) break;
    for (const [s, session] of sessions.entries()) {
      const start = performance.now();
      await fetch(session, options.feeds, names[s]);
      times[s].push(performance.now() - start);
    }
  }
  return times;
}

const fastest = (values: readonly number[]): number => Math.min(...values);

/** Middle of the sorted values, the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
