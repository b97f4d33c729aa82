import type { Target } from '../../targets/types.js';
import { type EnergyParts, kernelEnergy, leastSeconds, runEnergy, totalEnergy } from './energy.js';
import { fallbackReason } from './fallback.js';
import type { Kernel, Lowering } from './kernels.js';
import { librarySeconds } from './library.js';
import { isConvolution } from './macs.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';
import { computeOf } from './tiling.js';
import { Traffic } from './traffic.js';
import type { Bound } from './types.js';

/** Time in seconds, energy in joules. */
export interface KernelCost {
  kernel: Kernel;
  format: string;
  seconds: number;
  computeSeconds: number;
  memorySeconds: number;
  /** Bytes from and to main memory. */
  bytes: number;
  /** Bytes between kernels that stay on the chip. */
  onChipBytes: number;
  /** Bytes of the values that it makes for others. */
  writtenBytes: number;
  operations: number;
  /** Share of the array that the kernel's tiles fill. */
  utilisation: number;
  bound: Bound;
  /** Why it runs elsewhere; absent: it does not. */
  away?: string;
  energy?: EnergyParts;
}

export interface ModelCost {
  kernels: KernelCost[];
  seconds: number;
  /** Absent when nothing is known of the chip's power. */
  joules?: number;
  energy?: EnergyParts;
}

/**
 * Roofline of one run: each kernel t = max(arithmetic, bytes in) + bytes out + t_k, the run their sum and one dispatch.
 * Arithmetic: tiling.ts; bytes: traffic.ts; energy: energy.ts. Weights are read once a run. Bytes out are not
 * overlapped: so fits H100 matrix products best. The target must be a modelled one.
 */
export function modelCost(lowering: Lowering, placement: Placement, shapes: Shapes, chip: Target): ModelCost {
  const target = inNetwork(chip, lowering);
  const traffic = new Traffic(lowering, placement, shapes, target);
  const atFullClock = lowering.kernels.map((kernel) =>
    kernelCost(kernel, placement, lowering, shapes, target, traffic),
  );
  const views = lowering.calledViews * (target.overhead?.kernel.value ?? 0);
  const idle = (target.overhead?.dispatch.value ?? 0) + views + switches(atFullClock) * switchSeconds(target);
  const kernels = withinPower(atFullClock, idle, target);
  const energy = runEnergy(kernels, idle, target);
  return {
    kernels,
    seconds: idle + kernels.reduce((sum, k) => sum + k.seconds, 0),
    ...(energy && { energy, joules: totalEnergy(energy) }),
  };
}

/** All kernels slowed down alike where the run would draw more than the chip lets itself. */
function withinPower(kernels: KernelCost[], idleSeconds: number, target: Target): KernelCost[] {
  const seconds = kernels.reduce((sum, k) => sum + k.seconds, 0);
  const stretch = (leastSeconds(kernels, target) - idleSeconds) / seconds;
  if (!(stretch > 1)) return kernels;
  return kernels.map((k) => {
    const slower = {
      ...k,
      seconds: stretch * k.seconds,
      computeSeconds: stretch * k.computeSeconds,
      memorySeconds: stretch * k.memorySeconds,
    };
    return { ...slower, energy: kernelEnergy(slower, target) };
  });
}

/** The chip at the rates that products reach when there are several of them. */
function inNetwork(target: Target, { kernels }: Lowering): Target {
  const products = kernels.filter((k) => k.macs > 0 && !isConvolution(k.anchor)).length;
  const share = target.sustained?.value;
  if (share === undefined || products < 2) return target;
  const reached = Object.entries(target.utilisation).map(([format, fact]) => [
    format,
    { ...fact, value: fact.value * share },
  ]);
  return { ...target, utilisation: Object.fromEntries(reached) };
}

function kernelCost(
  kernel: Kernel,
  placement: Placement,
  lowering: Lowering,
  shapes: Shapes,
  target: Target,
  traffic: Traffic,
): KernelCost {
  const format = placement.computes(kernel.anchor);
  const read = { ...traffic.of(kernel.reads), parameters: traffic.parameters(kernel) };
  const written = traffic.of(kernel.writes);
  const compute = computeOf(kernel, placement, lowering.root, shapes, target);
  const [inSeconds, outSeconds] = [traffic.seconds(read), traffic.seconds(written)];
  const conversions = conversionsOf(kernel, format, placement, lowering, target);
  const overhead =
    (1 + conversions.length) * (target.overhead?.kernel.value ?? 0) + integerOverhead(format, target);
  const around =
    conversionSeconds(conversions, shapes, target) + librarySeconds(kernel, placement, shapes, target);
  const away = fallbackReason(kernel, shapes, target);
  const cost = {
    kernel,
    format,
    seconds: Math.max(compute.seconds, inSeconds) + outSeconds + around + overhead,
    computeSeconds: compute.seconds + around,
    memorySeconds: inSeconds + outSeconds,
    bytes: read.parameters + read.main + written.main,
    onChipBytes: read.onChip + written.onChip,
    writtenBytes: written.main + written.onChip,
    operations: 2 * kernel.macs + kernel.operations,
    utilisation: compute.utilisation,
    bound: binding(compute.seconds, inSeconds + outSeconds, overhead),
    ...(away !== undefined && { away }),
  };
  return { ...cost, energy: kernelEnergy(cost, target) };
}

const integerOverhead = (format: string, { overhead, floatFormat }: Target): number =>
  format === floatFormat ? 0 : (overhead?.integer?.value ?? 0);

/** Values in 8 bits or less around a kernel of floats, and at the edge of the graph, where kernels of their own turn them. */
function conversionsOf(
  { reads, writes }: Kernel,
  format: string,
  placement: Placement,
  { graphInputs, graphOutputs }: Lowering,
  target: Target,
): string[] {
  if (!target.convert) return [];
  const codes = [...reads, ...writes].filter((name) => placement.activationBits(name) <= 8);
  if (format === target.floatFormat) return codes;
  return codes.filter((name) => graphInputs.has(name) || graphOutputs.has(name));
}

function conversionSeconds(names: readonly string[], shapes: Shapes, { convert, vector }: Target): number {
  if (!convert || !vector) return 0;
  return names.reduce((sum, name) => sum + shapes.count(name), 0) * (convert.value / vector.value);
}

function binding(compute: number, memory: number, overhead: number): Bound {
  if (overhead >= Math.max(compute, memory)) return 'overhead';
  return compute >= memory ? 'compute' : 'memory';
}

/** Times that a run leaves the chip or comes back to it. */
const switches = (kernels: readonly KernelCost[]): number =>
  kernels.filter((k, i) => i > 0 && (k.away === undefined) !== (kernels[i - 1].away === undefined)).length;

const switchSeconds = (target: Target): number => target.fallback?.switch.value ?? 0;
