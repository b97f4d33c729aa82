import type { Operation } from '../program.js';
import type { Lifter } from './lifter.js';

/** Operation of StableHLO → how it is made of ONNX nodes. */
export type Lifts = Readonly<Record<string, (o: Operation, l: Lifter) => void>>;
