import type { Tensor } from '../../ir/model.js';

/** How the lowering of either format reads the constants of the node in hand. */
export interface Constants {
  initializer(name: string): Tensor | undefined;
  /** Integers of a constant input. */
  ints(i: number): number[] | undefined;
  /** Floats of a constant, dequantized where it is stored in codes. */
  floats(name: string | undefined): Float32Array | undefined;
  /** @throws QuantizeError of the format, naming the operator */
  refuse(why: string, hint?: string): never;
}
