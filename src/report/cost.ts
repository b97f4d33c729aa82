import type { Target } from '../../targets/types.js';
import type { Kernel, Lowering } from './kernels.js';
import { isConvolution, outputChannels } from './macs.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';

/** Time in seconds, energy in joules. */
export interface KernelCost {
  kernel: Kernel;
  format: string;
  seconds: number;
  computeSeconds: number;
  memorySeconds: number;
  /** Bytes from and to main memory. */
  bytes: number;
  operations: number;
  bound: 'compute' | 'memory' | 'overhead';
}

export interface ModelCost {
  kernels: KernelCost[];
  seconds: number;
  /** Absent when nothing is known of the chip's power. */
  joules?: number;
}

/**
 * Roofline of one run: each kernel t = max(operations/(η·P·u), bytes in/(β·BW)) + bytes out/(β·BW) + t_k, the run their
 * sum and one dispatch; energy idle·t + Σ operations·e + Σ bytes·e + e_call. η: share of peak; u: share of the lanes
 * that the output channels fill; activations that fit on the chip move no bytes, weights are read once a run.
 * Bytes out are not overlapped: so fits H100 matrix products best. The target must be a modelled one.
 */
export function modelCost(
  lowering: Lowering,
  placement: Placement,
  shapes: Shapes,
  target: Target,
): ModelCost {
  const kernels = lowering.kernels.map((kernel) => kernelCost(kernel, lowering, placement, shapes, target));
  const seconds = (target.overhead?.dispatch.value ?? 0) + kernels.reduce((sum, k) => sum + k.seconds, 0);
  return { kernels, seconds, joules: energy(kernels, seconds, target) };
}

function kernelCost(
  kernel: Kernel,
  lowering: Lowering,
  placement: Placement,
  shapes: Shapes,
  target: Target,
): KernelCost {
  const format = placement.computes(kernel.anchor);
  const operations = 2 * kernel.macs + kernel.operations;
  const constants = kernel.constants.reduce((sum, name) => sum + placement.constantBytes(name), 0);
  const traffic = new Traffic(lowering, placement, shapes, target);
  const read = traffic.of(kernel.reads);
  const written = traffic.of(kernel.writes);
  const computeSeconds = operations / rate(kernel, format, shapes, target);
  const inSeconds = traffic.seconds({ plain: constants + read.plain, edge: read.edge });
  const outSeconds = traffic.seconds(written);
  const overhead = target.overhead?.kernel.value ?? 0;
  const memorySeconds = inSeconds + outSeconds;
  return {
    kernel,
    format,
    seconds: Math.max(computeSeconds, inSeconds) + outSeconds + overhead,
    computeSeconds,
    memorySeconds,
    bytes: constants + read.plain + read.edge + written.plain + written.edge,
    operations,
    bound: binding(computeSeconds, memorySeconds, overhead),
  };
}

function binding(compute: number, memory: number, overhead: number): KernelCost['bound'] {
  if (overhead >= Math.max(compute, memory)) return 'overhead';
  return compute >= memory ? 'compute' : 'memory';
}

/** Operations a second that the kernel can reach in its format: peak · share of peak · share of the lanes. */
function rate(kernel: Kernel, format: string, shapes: Shapes, target: Target): number {
  const known = target.peak[format] ? format : target.floatFormat;
  const shares = isConvolution(kernel.anchor)
    ? { ...target.utilisation, ...target.convUtilisation }
    : target.utilisation;
  const lanes = target.outputLanes?.value;
  const filled = lanes && kernel.macs > 0 ? Math.min(1, outputChannels(kernel.anchor, shapes) / lanes) : 1;
  return target.peak[known].value * shares[known].value * filled;
}

/** Bytes of activations that leave the chip: between kernels, and over the edge as inputs and outputs of the graph. */
interface Bytes {
  plain: number;
  edge: number;
}

class Traffic {
  constructor(
    private readonly lowering: Lowering,
    private readonly placement: Placement,
    private readonly shapes: Shapes,
    private readonly target: Target,
  ) {}

  of(names: readonly string[]): Bytes {
    const bytes = { plain: 0, edge: 0 };
    for (const name of names) {
      const isEdge = this.lowering.graphInputs.has(name) || this.lowering.graphOutputs.has(name);
      const size = (this.shapes.count(name) * this.bits(name, isEdge)) / 8;
      if (isEdge) bytes.edge += size;
      else if (!this.staysOnChip(size)) bytes.plain += size;
    }
    return bytes;
  }

  /** Inputs and outputs of the graph travel in the float format: their Q and DQ run on the chip. */
  private bits(name: string, isEdge: boolean): number {
    const bits = this.placement.activationBits(name);
    return isEdge
      ? Math.max(bits, this.shapes.dtype(name) === 'float32' ? FLOAT_BITS[this.target.floatFormat] : 0)
      : bits;
  }

  /** Half of the memory on the chip, so that a kernel's input and output fit together. */
  private staysOnChip(size: number): boolean {
    return size <= (this.target.memory?.onChipBytes?.value ?? 0) / 2;
  }

  seconds({ plain, edge }: Bytes): number {
    const memory = this.target.memory;
    if (!memory) return 0;
    const reached = memory.bandwidth.value * memory.efficiency.value;
    return plain / reached + edge / (memory.activationBandwidth?.value ?? reached);
  }
}

const FLOAT_BITS: Readonly<Record<Target['floatFormat'], number>> = {
  float32: 32,
  float16: 16,
  bfloat16: 16,
};

const PICO = 1e-12;

function energy(kernels: readonly KernelCost[], seconds: number, target: Target): number | undefined {
  const { power } = target;
  if (!power) return undefined;
  const perOperation = (format: string) =>
    (power.operation[format] ?? power.operation[target.floatFormat]).value;
  const dynamic = kernels.reduce(
    (sum, k) => sum + k.operations * perOperation(k.format) + k.bytes * power.memoryByte.value,
    0,
  );
  return power.idle.value * seconds + dynamic * PICO + (power.call?.value ?? 0) * 1e-3;
}
