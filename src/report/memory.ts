import type { Target } from '../../targets/types.js';
import type { Lowering } from './kernels.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';
import { Traffic } from './traffic.js';
import type { MemoryUse } from './types.js';

export interface Schedule extends MemoryUse {
  /** Bytes of activations that are alive while each kernel runs. */
  live: number[];
}

/**
 * What a run holds in memory: every parameter, caches, and activations from the kernel that makes them (inputs: from
 * the first) to the last that reads them (outputs: to the end).
 */
export function memorySchedule(
  lowering: Lowering,
  placement: Placement,
  shapes: Shapes,
  target: Target,
): Schedule {
  const traffic = new Traffic(lowering, placement, shapes, target);
  const live = liveBytes(lowering, traffic);
  const constants = new Set(lowering.kernels.flatMap((k) => k.constants));
  const weightBytes = total(constants, placement.constantBytes);
  const cacheBytes = total(lowering.caches.keys(), (name) => traffic.size(name));
  const activationBytes = live.reduce((most, bytes) => Math.max(most, bytes), 0);
  const totalBytes = weightBytes + cacheBytes + activationBytes;
  const fits = totalBytes <= (target.memory?.bytes.value ?? Number.POSITIVE_INFINITY);
  return { weightBytes, activationBytes, cacheBytes, totalBytes, fits, live };
}

function liveBytes({ kernels, graphInputs, graphOutputs, caches }: Lowering, traffic: Traffic): number[] {
  const born = new Map<string, number>([...graphInputs].map((name) => [name, 0]));
  const dies = new Map<string, number>([...graphOutputs].map((name) => [name, kernels.length - 1]));
  kernels.forEach((kernel, i) => {
    for (const name of kernel.writes) born.set(name, i);
    for (const name of kernel.reads) dies.set(name, Math.max(i, dies.get(name) ?? 0));
  });
  // Changes at each step, summed up along the way: a value counts from birth to death, both included.
  const change = new Float64Array(kernels.length + 1);
  for (const [name, from] of born) {
    const to = dies.get(name);
    if (to === undefined || caches.has(name)) continue;
    change[from] += traffic.size(name);
    change[to + 1] -= traffic.size(name);
  }
  let alive = 0;
  return kernels.map((_, i) => (alive += change[i]));
}

const total = (names: Iterable<string>, of: (name: string) => number): number => {
  let sum = 0;
  for (const name of names) sum += of(name);
  return sum;
};
