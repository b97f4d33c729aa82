import type { Diagnostic } from '../errors.js';
import type { Plan } from '../plan/types.js';
import { type Numbers, pairsSaturate } from '../quantize/index.js';
import { hasVnni } from '../runtime/index.js';
import { type Job, note } from './stages.js';

/** Says where an x86 CPU without VNNI would add products beyond 16 bits: a warning where this one has none. */
export function adviseOnPairs(job: Job, { activations }: Plan, { weights }: Numbers): void {
  if (job.target.timing !== 'measured' || !activations.some((a) => a.format === 'uint8')) return;
  const integer = weights.filter((w) => !w.plan.weightOnly);
  const count = integer.filter(pairsSaturate).length;
  if (count > 0) note(job, advice(count, integer.length, hasVnni()));
}

export const advice = (count: number, all: number, vnni: boolean | undefined): Diagnostic => ({
  level: vnni === false ? 'warning' : 'note',
  code: 'PAIR_SUMS',
  message: `${vnni === false ? 'this CPU has no VNNI: it' : 'x86 without VNNI'} adds products of uint8 and int8 in pairs of 16 bits, and ${count} of ${all} weights can leave those; --scheme int7-perchannel cannot, nor int8 activations`,
});
