import { a17Ane } from './a17-ane.js';
import { cpu } from './cpu.js';
import { h100Sxm } from './h100-sxm.js';
import { tpuV4 } from './tpu-v4.js';
import type { Target } from './types.js';

export { parseTarget, type TargetProblem, targetProblems } from './parse.js';
export type { Fact, Target } from './types.js';

/** Ids and aliases share one name space. Throws Error on a name that is taken twice. */
export function registry(targets: readonly Target[]): readonly Target[] {
  const seen = new Set<string>();
  for (const name of targets.flatMap((target) => [target.id, ...target.aliases])) {
    if (seen.has(name)) throw new Error(`two targets are called "${name}"`);
    seen.add(name);
  }
  return targets;
}

/** The chips, in the order in which lists show them. A new chip is its file and its line here. */
export const TARGETS: readonly Target[] = registry([a17Ane, tpuV4, h100Sxm, cpu]);

export const findTarget = (idOrAlias: string): Target | undefined =>
  TARGETS.find((target) => target.id === idOrAlias || target.aliases.includes(idOrAlias));
