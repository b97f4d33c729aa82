import { tableOf } from '../../lowering/families.js';
import { ACTIVATIONS } from './activations.js';
import { CONVOLUTION } from './convolution.js';
import { ELEMENTWISE } from './elementwise.js';
import { GATHER } from './gather.js';
import { MOVEMENT } from './movement.js';
import { NORMALISATION } from './normalisation.js';
import { POOL } from './pool.js';
import { PRODUCT } from './product.js';
import { QUANTIZE } from './quantize.js';
import { RECURRENT } from './recurrent.js';
import { REDUCTION } from './reduction.js';
import { RESIZE } from './resize.js';
import type { Family, Lower } from './types.js';

/** The families in the order in which documentation lists them: a new operator is an entry in its family's file. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  quantize: QUANTIZE,
  convolution: CONVOLUTION,
  product: PRODUCT,
  pool: POOL,
  activation: ACTIVATIONS,
  elementwise: ELEMENTWISE,
  reduction: REDUCTION,
  normalisation: NORMALISATION,
  movement: MOVEMENT,
  gather: GATHER,
  resize: RESIZE,
  recurrent: RECURRENT,
};

const TABLE = tableOf(FAMILIES, 'StableHLO');

/** The ONNX operators that have a form in StableHLO. */
export const MAPPED_OPERATORS: readonly string[] = [...TABLE.keys()];
export const lowering = (op: string): Lower | undefined => TABLE.get(op);
