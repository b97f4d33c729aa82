import type { Operation } from '../program.js';
import type { Lifter } from './lifter.js';

/** Adds the ONNX nodes that compute what an operation computes. */
export type Lift = (operation: Operation, lifter: Lifter) => void;
export type Lifts = Readonly<Record<string, Lift>>;
