import type { Case } from '../build.js';
import { nested, scans } from './bodies.js';
import { normalisation } from './normalisation.js';
import { pools } from './pools.js';
import { reductions } from './reductions.js';
import { removed } from './removed.js';
import { renamed } from './renamed.js';
import { laterResizes, resizes } from './resize.js';
import { shapeInputs } from './shape-inputs.js';
import { softmaxes } from './softmax.js';
import { additive } from './unchanged.js';

/** At least one case for every adapter; a test checks it. */
export const CASES: readonly Case[] = [
  ...shapeInputs,
  ...reductions,
  ...resizes,
  ...laterResizes,
  ...softmaxes,
  ...normalisation,
  ...removed,
  ...renamed,
  ...pools,
  ...additive,
  ...scans,
  ...nested,
];
