import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, homedir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../../targets/types.js';
import { elementCount } from '../ir/tensor.js';
import { runtimeVersion } from '../runtime/index.js';
import { measureLatency } from '../verify/index.js';
import type { LatencyMetrics } from '../verify/types.js';
import { PROBES, type Probe, probeModel } from './probes.js';
import { type Chains, cpuTarget, type Timings } from './target.js';

export { cpuTarget, type Timings } from './target.js';

const SCHEMA = 'onnx-quantize/cpu@2';

/** Seconds that one chain may take in both formats, and rounds: calls are at their fastest after some hundreds. */
const EACH = 0.12;
const ROUNDS = 1000;
/** Times that all chains are timed, so that what else the machine does for a moment spoils none of them. */
const PASSES = 2;

/**
 * This machine as a modelled chip. Its probes are timed once, in about six seconds, and kept in the user's cache
 * directory; a cache that cannot be read or written costs only the time.
 */
export async function thisMachine(threads = availableParallelism(), onStart?: () => void): Promise<Target> {
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, onnxruntime ${runtimeVersion()}`;
  const kept = readTimings(machine);
  if (kept) return cpuTarget(kept);
  onStart?.();
  const timings = await timeProbes(machine, threads);
  writeTimings(timings);
  return cpuTarget(timings);
}

async function timeProbes(machine: string, threads: number): Promise<Timings> {
  const probes: Partial<Timings['probes']> = {};
  for (let pass = 0; pass < PASSES; pass++)
    for (const probe of PROBES) {
      const [short, long] = probe.depths;
      const [a, b] = [await timeChain(probe, short, threads), await timeChain(probe, long, threads)];
      const before = probes[probe.id];
      probes[probe.id] = {
        floatMs: faster(before?.floatMs, [a.floatMs, b.floatMs]),
        int8Ms: faster(before?.int8Ms, [a.quantizedMs, b.quantizedMs]),
      };
    }
  const date = new Date().toISOString().slice(0, 7);
  return { schema: SCHEMA, machine, date, probes: probes as Timings['probes'] };
}

const faster = (before: Chains | undefined, now: Chains): Chains =>
  before ? [Math.min(before[0], now[0]), Math.min(before[1], now[1])] : now;

function timeChain(probe: Probe, depth: number, threads: number): Promise<LatencyMetrics> {
  const { dims } = probe;
  const data = Float32Array.from({ length: elementCount(dims) }, (_, i) => ((i % 17) - 8) / 8);
  return measureLatency({
    float: probeModel(probe, depth, false),
    quantized: probeModel(probe, depth, true),
    feeds: { x: { dtype: 'float32', dims, data } },
    threads,
    rounds: ROUNDS,
    seconds: EACH,
    statistic: 'fastest',
  });
}

const cacheFolder = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'onnx-quantize');
const cacheFile = (machine: string): string =>
  join(cacheFolder(), `cpu-${machine.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.json`);

function readTimings(machine: string): Timings | undefined {
  try {
    const timings = JSON.parse(readFileSync(cacheFile(machine), 'utf8')) as Timings;
    const whole = PROBES.every(({ id }) =>
      [...timings.probes[id].floatMs, ...timings.probes[id].int8Ms].every((ms) => ms > 0),
    );
    return timings.schema === SCHEMA && timings.machine === machine && whole ? timings : undefined;
  } catch {
    return undefined;
  }
}

function writeTimings(timings: Timings): void {
  const file = cacheFile(timings.machine);
  try {
    mkdirSync(cacheFolder(), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(timings, null, 2));
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // Nowhere to keep it: the next run times the probes again.
  }
}
