import type { Grid, Weight } from '../../weight.js';
import type { MilType, Operation, Var } from '../program.js';

/** A weight that is stored in codes. */
export type Quantized = Weight & { quantized: Grid };

/** Says by name what a release has no form for. */
export type Refuse = (why: string, hint?: string) => never;

/** An operation before it is known which node it comes from. */
export type Made = Omit<Operation, 'origin'>;

export const made = (type: string, inputs: Made['inputs'], outputs: Var[]): Made => ({
  type,
  inputs,
  outputs,
  attributes: [],
});

export const output = (dtype: MilType, dims: number[]): Var => ({ name: '', dtype, dims });
