import { binaryFamily } from './binary.js';
import { convFamily } from './conv.js';
import { fakeQuantFamily } from './fake-quant.js';
import { matmulFamily } from './matmul.js';
import { movementFamily } from './movement.js';
import { normalisationFamily } from './normalisation.js';
import { poolFamily } from './pool.js';
import { reductionFamily } from './reduction.js';
import { softRoundingFamily } from './soft-rounding.js';
import type { Adjoint } from './types.js';
import { unaryFamily } from './unary.js';

/** Every operator that gradients pass through. An operator that is not here stops them. */
export const ADJOINTS: readonly Adjoint[] = [
  unaryFamily,
  binaryFamily,
  matmulFamily,
  convFamily,
  poolFamily,
  reductionFamily,
  normalisationFamily,
  movementFamily,
  fakeQuantFamily,
  softRoundingFamily,
].flat();

const BY_OP = new Map(ADJOINTS.map((row) => [row.op, row]));
if (BY_OP.size !== ADJOINTS.length) throw new Error('two adjoints of one operator');

export const findAdjoint = (op: string): Adjoint | undefined => BY_OP.get(op);
export type { Adjoint, Step } from './types.js';
