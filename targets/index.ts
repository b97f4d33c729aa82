import { a16Ane } from './a16-ane.js';
import { a17Ane } from './a17-ane.js';
import { a18Ane } from './a18-ane.js';
import { a100 } from './a100.js';
import { a17AneBrief, h100Brief, tpuV4Brief } from './brief.js';
import { cpu } from './cpu.js';
import { h17Ane } from './h17-ane.js';
import { h100Pcie } from './h100-pcie.js';
import { h100Sxm } from './h100-sxm.js';
import { h200 } from './h200.js';
import { l4 } from './l4.js';
import { m4Ane } from './m4-ane.js';
import { tpuV4 } from './tpu-v4.js';
import { tpuV5e } from './tpu-v5e.js';
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
export const TARGETS: readonly Target[] = registry([
  a17Ane,
  tpuV4,
  h100Sxm,
  h100Pcie,
  h200,
  a100,
  l4,
  tpuV5e,
  a16Ane,
  a18Ane,
  m4Ane,
  h17Ane,
  cpu,
  a17AneBrief,
  tpuV4Brief,
  h100Brief,
]);

export const findTarget = (idOrAlias: string): Target | undefined =>
  TARGETS.find((target) => target.id === idOrAlias || target.aliases.includes(idOrAlias));
