import type { Rescaling } from './types.js';

/** Rescalings by where their factors go: into weights alone, into a Mul that divides again, or into one that multiplies. */
export const kindsOf = (rescalings: readonly Rescaling[]) => ({
  plain: rescalings.filter((r) => !r.gainOf && !r.restored),
  divided: rescalings.filter((r) => r.restored),
  gains: rescalings.filter((r) => r.gainOf),
});
