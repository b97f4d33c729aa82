import type { Target } from '../../targets/types.js';
import type { ModelCost } from './cost.js';
import type { Figure, MemoryUse, Report } from './types.js';

/** What the user says of where the model will run. */
export interface Settings {
  /** Samples of a run; absent: the model's own. */
  batch?: number;
  /** Price of a kilowatt-hour, in any currency. */
  pricePerKwh?: number;
  /** Energy of the battery; absent: that of the target's own device. */
  batteryWh?: number;
}

/** One run at a batch, and how a figure on it is made. */
export interface Outlook {
  target: Target;
  batch: number;
  cost: ModelCost;
  memory: MemoryUse;
  settings: Settings;
  time(value: number, unit: string): Figure;
  energy(value: number, unit: string): Figure;
}

const JOULES_PER_WH = 3600;
/** Share of a chip's memory that weights, caches and activations may take: the rest is for code and buffers. */
const USABLE = 0.9;
const MAX_CHIPS = 1024;
/** Industrial electricity is of this order in Europe and North America; `--price` sets another. */
const PRICE = 0.12;

/** On a battery: what 1,000 samples take of it, how long it lasts, and how fast the cooling lets it go on. */
export function battery({ target, batch, cost, settings, energy }: Outlook): Report['battery'] {
  const wattHours = settings.batteryWh ?? target.battery?.wattHours.value;
  if (wattHours === undefined || cost.joules === undefined) return undefined;
  const joules = cost.joules / batch;
  const limit = target.battery ? target.battery.sustained.value / joules : Number.POSITIVE_INFINITY;
  return {
    wattHours,
    sharePer1000: energy((100 * 1000 * joules) / (wattHours * JOULES_PER_WH), '%'),
    hours: energy((wattHours * cost.seconds) / cost.joules, 'h'),
    sustained: energy(Math.min(batch / cost.seconds, limit), 'runs/s'),
  };
}

/** In a data centre, the chip alone: cooling and the rest of the server come on top. */
export function datacentre({ target, batch, cost, settings, energy }: Outlook): Report['datacentre'] {
  if (target.battery || cost.joules === undefined) return undefined;
  const pricePerKwh = settings.pricePerKwh ?? PRICE;
  const joules = cost.joules / batch;
  return {
    pricePerKwh,
    joulesPer1000: energy(1000 * joules, 'J'),
    costPerMillion: energy(((1e6 * joules) / (1000 * JOULES_PER_WH)) * pricePerKwh, 'per million'),
  };
}

/**
 * Seconds of a run on several chips, each with a part of every weight: arithmetic and bytes divided, launches not, and
 * what every second product gives summed over the links of a ring.
 */
export function acrossChips(cost: ModelCost, count: number, target: Target): number {
  const launch = target.overhead?.kernel.value ?? 0;
  const fixed = cost.seconds - cost.kernels.reduce((sum, k) => sum + k.seconds - launch, 0);
  const exchanged = cost.kernels.reduce((sum, k) => sum + (k.kernel.macs > 0 ? k.writtenBytes : 0), 0) / 2;
  const exchange = (2 * exchanged * (count - 1)) / count / (target.link?.value ?? Number.POSITIVE_INFINITY);
  return fixed + (cost.seconds - fixed) / count + exchange;
}

/** The fewest chips (a power of two) that hold the model when each has a part of every weight. */
export function chips({ target, cost, memory, time }: Outlook): Report['chips'] {
  const bytes = target.memory?.bytes.value;
  if (memory.fits || !bytes || !target.link) return undefined;
  const each = (count: number) => (memory.weightBytes + memory.cacheBytes) / count + memory.activationBytes;
  let count = 2;
  while (each(count) > USABLE * bytes && count < MAX_CHIPS) count *= 2;
  if (each(count) > bytes) return undefined;
  const seconds = acrossChips(cost, count, target);
  return { count, memoryEachBytes: each(count), latencyMs: time(1e3 * seconds, 'ms') };
}

/** Largest batch that is tried. */
const MAX_BATCH = 4096;
const NEARLY = 0.9;
/** Doubling the batch gains less: larger ones gain nothing to speak of. */
const SATURATED = 1.02;

/** `throughputOf`: samples a second at a batch, undefined where it does not fit the chip. */
export function saturation(
  throughputOf: (batch: number) => number | undefined,
  figure: Outlook['time'],
): Report['saturation'] {
  const tried: [number, number][] = [];
  for (let batch = 1; batch <= MAX_BATCH; batch *= 2) {
    const throughput = throughputOf(batch);
    if (throughput === undefined) break;
    const before = tried.at(-1)?.[1] ?? 0;
    tried.push([batch, throughput]);
    if (throughput < SATURATED * before) break;
  }
  const best = Math.max(...tried.map(([, throughput]) => throughput));
  const [batch, throughput] = tried.find(([, t]) => t >= NEARLY * best) ?? [];
  return batch && throughput ? { batch, throughput: figure(throughput, 'runs/s') } : undefined;
}

/** Peaks of the data sheet, and what kernels reach of them. */
export function roofline(target: Target): Report['roofline'] {
  const { memory } = target;
  if (!memory) return undefined;
  const reached = memory.bandwidth.value * memory.efficiency.value;
  return {
    formats: Object.entries(target.peak)
      .filter(([format]) => target.utilisation[format])
      .map(([format, { value }]) => ({
        format,
        peak: value,
        reached: value * target.utilisation[format].value,
      })),
    memory: { peak: memory.bandwidth.value, reached },
    ...(memory.onChipBandwidth && { onChip: { reached: memory.onChipBandwidth.value } }),
  };
}
