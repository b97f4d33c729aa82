import type { Target } from '../../targets/types.js';
import { allGraphs, subgraphs } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import type { KernelCost } from './cost.js';
import { totalEnergy } from './energy.js';
import type { Kernel, Lowering } from './kernels.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';
import type { Figure, LayerRow } from './types.js';

const MICRO = 1e6;

export interface LayerInput {
  lowering: Lowering;
  placement: Placement;
  shapes: Shapes;
  target: Target;
  parameters: ReadonlySet<string>;
  /** Bytes that the quantized file stores of an initializer; undefined: as in the float file. */
  stored(name: string): number | undefined;
  /** Absent for a measured target, like all below. */
  costs?: KernelCost[];
  floatCosts?: KernelCost[];
  /** Bytes of activations that are alive while each kernel runs. */
  live?: number[];
  figures?: { time(value: number, unit: string): Figure; energy(value: number, unit: string): Figure };
}

/** One row a kernel, in the graph's order. A parameter that several kernels read counts in the first. */
export function layerRows(input: LayerInput): LayerRow[] {
  const counted = new Set<string>();
  return input.lowering.kernels.map((kernel, i) => {
    const own = kernelParameters(kernel).filter((name) => input.parameters.has(name) && !counted.has(name));
    for (const name of own) counted.add(name);
    return { ...sizes(own, input), ...identity(kernel), ...place(kernel, input, i) };
  });
}

/** Initializers that the kernel reads, those inside the bodies of its nodes included. */
const kernelParameters = (kernel: Kernel): string[] => [
  ...kernel.constants,
  ...kernel.nodes
    .flatMap(subgraphs)
    .flatMap((graph) => [...allGraphs(graph)])
    .flatMap((graph) => graph.initializers.map((t) => t.name ?? '')),
];

function sizes(names: readonly string[], { shapes, stored }: LayerInput) {
  const total = (of: (name: string) => number) => names.reduce((sum, name) => sum + of(name), 0);
  const fileBytes = (name: string) => Math.ceil((shapes.count(name) * shapes.bits(name)) / 8);
  return {
    parameters: total(shapes.count),
    floatBytes: total(fileBytes),
    quantizedBytes: total((name) => stored(name) ?? fileBytes(name)),
  };
}

export const nodeLabel = (node: Node): string => node.name || node.outputs[0] || node.opType;

function identity(kernel: Kernel): Pick<LayerRow, 'node' | 'opType' | 'fused' | 'macs'> {
  const fused = kernel.nodes.filter((node) => node !== kernel.anchor).map(nodeLabel);
  return {
    node: nodeLabel(kernel.anchor),
    opType: kernel.anchor.opType,
    ...(fused.length > 0 && { fused }),
    macs: kernel.macs,
  };
}

function place(kernel: Kernel, input: LayerInput, index: number) {
  const computes = input.placement.computes(kernel.anchor);
  const [cost, float] = [input.costs?.[index], input.floatCosts?.[index]];
  if (!cost) return { computes };
  const { target, figures } = input;
  const energy = cost.energy && totalEnergy(cost.energy);
  return {
    computes,
    timeUs: figures!.time(MICRO * cost.seconds, 'µs'),
    ...(float && { floatTimeUs: figures!.time(MICRO * float.seconds, 'µs') }),
    bound: cost.bound,
    ...(energy !== undefined && { energyUj: figures!.energy(MICRO * energy, 'µJ') }),
    operations: cost.operations,
    bytes: cost.bytes,
    onChipBytes: cost.onChipBytes,
    utilisation: cost.utilisation,
    ...(input.live && { liveBytes: input.live[index] }),
    ...(cost.away && { runsOn: target.fallback?.to, reason: cost.away }),
  };
}
