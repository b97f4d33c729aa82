import type { Target } from '../../targets/types.js';
import { dtypeBits } from '../ir/dtypes.js';
import { isOp } from '../ir/graph.js';
import type { Kernel, Lowering } from './kernels.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';

/** Bytes of a kernel: parameters, activations in main memory (the graph's inputs and outputs too) and on the chip. */
export interface Bytes {
  parameters: number;
  main: number;
  onChip: number;
}

/** What kernels read and write on a target, and how long that takes. */
export class Traffic {
  constructor(
    private readonly lowering: Lowering,
    private readonly placement: Placement,
    private readonly shapes: Shapes,
    private readonly target: Target,
  ) {}

  /** Activations by name. */
  of(names: readonly string[]): Bytes {
    const bytes = { parameters: 0, main: 0, onChip: 0 };
    for (const name of names) {
      const size = this.size(name);
      const stays = this.isEdge(name) || this.lowering.caches.has(name) ? 0 : Math.min(size, this.stays);
      bytes.onChip += stays;
      bytes.main += size - stays;
    }
    return bytes;
  }

  /** Parameters, once a run; of a table that Gather looks rows up in, those rows. */
  parameters(kernel: Kernel): number {
    return kernel.constants.reduce((sum, name) => {
      const bytes = this.placement.constantBytes(name);
      const looksUp = isOp(kernel.anchor, 'Gather') && this.lowering.root(kernel.anchor.inputs[0]) === name;
      if (!looksUp) return sum + bytes;
      const share = this.shapes.count(kernel.anchor.outputs[0]) / Math.max(1, this.shapes.count(name));
      return sum + bytes * Math.min(1, share);
    }, 0);
  }

  /** Bytes of one activation in memory, its rows padded as the chip pads them. */
  size(name: string): number {
    const bits = this.isEdge(name) ? this.edgeBits(name) : this.placement.activationBits(name);
    const count = this.shapes.count(name);
    const bytes = (count * bits) / 8;
    const granule = this.target.memory?.rowBytes?.value;
    const row = ((this.shapes.dims(name)?.at(-1) ?? 1) * bits) / 8;
    return granule && row > 1 ? (bytes / row) * Math.ceil(row / granule) * granule : bytes;
  }

  private isEdge(name: string): boolean {
    const { graphInputs, graphOutputs, caches } = this.lowering;
    return !caches.has(name) && (graphInputs.has(name) || graphOutputs.has(name));
  }

  /** Inputs and outputs of the graph travel in the float format: their Q and DQ run on the chip. */
  private edgeBits(name: string): number {
    const float = this.shapes.dtype(name) === 'float32' ? dtypeBits(this.target.floatFormat) : 0;
    return Math.max(this.placement.activationBits(name), float);
  }

  /** Bytes of a value that stay: half of the memory on the chip, so that a kernel's input and output fit together. */
  private get stays(): number {
    return (this.target.memory?.onChipBytes?.value ?? 0) / 2;
  }

  seconds({ parameters, main, onChip }: Bytes): number {
    const { memory } = this.target;
    if (!memory) return 0;
    const reached = memory.bandwidth.value * memory.efficiency.value;
    const between = memory.onChipBandwidth ? onChip / memory.onChipBandwidth.value : 0;
    return parameters / reached + main / (memory.activationBandwidth?.value ?? reached) + between;
  }
}
