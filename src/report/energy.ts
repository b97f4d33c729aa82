import type { Target } from '../../targets/types.js';
import type { KernelCost } from './cost.js';

/** Joules of a run by what they are spent on. */
export interface EnergyParts {
  compute: number;
  /** Bytes between kernels on the chip. */
  onChip: number;
  /** Bytes from and to main memory. */
  memory: number;
  /** Idle power over the time. */
  static: number;
  call: number;
}

const PICO = 1e-12;

/** Joules of one kernel: operations · e_op + bytes · e_byte + idle · time. Undefined: nothing is known of the power. */
export function kernelEnergy(cost: Omit<KernelCost, 'energy'>, target: Target): EnergyParts | undefined {
  const { power } = target;
  if (!power) return undefined;
  const each = (power.operation[cost.format] ?? power.operation[target.floatFormat]).value;
  return {
    compute: cost.operations * each * PICO,
    onChip: cost.onChipBytes * (power.onChipByte?.value ?? 0) * PICO,
    memory: cost.bytes * power.memoryByte.value * PICO,
    static: power.idle.value * cost.seconds,
    call: 0,
  };
}

/** The kernels' joules, the idle power while the run is dispatched, and the cost of a call. */
export function runEnergy(kernels: readonly KernelCost[], idleSeconds: number, target: Target) {
  const { power } = target;
  if (!power) return undefined;
  const parts = kernels.reduce((sum, { energy }) => (energy ? add(sum, energy) : sum), {
    compute: 0,
    onChip: 0,
    memory: 0,
    static: power.idle.value * idleSeconds,
    call: (power.call?.value ?? 0) * 1e-3,
  });
  return parts;
}

/** The shortest run of these kernels that draws no more than the chip's power limit; 0 where it has none. */
export function leastSeconds(kernels: readonly KernelCost[], { power }: Target): number {
  if (!power?.limit) return 0;
  const joules = kernels.reduce(
    (sum, k) => sum + (k.energy ? totalEnergy(k.energy) - k.energy.static : 0),
    0,
  );
  return joules / (power.limit.value - power.idle.value);
}

const add = (a: EnergyParts, b: EnergyParts): EnergyParts => ({
  compute: a.compute + b.compute,
  onChip: a.onChip + b.onChip,
  memory: a.memory + b.memory,
  static: a.static + b.static,
  call: a.call + b.call,
});

export const totalEnergy = (parts: EnergyParts): number =>
  parts.compute + parts.onChip + parts.memory + parts.static + parts.call;
