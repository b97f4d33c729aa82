import type { Model } from '../ir/model.js';
import { rulesFor } from './rules/index.js';
import type { Runtime } from './runtimes.js';
import { grids, subjectOf } from './subject.js';
import type { Finding } from './types.js';

/** What of a model a runtime would refuse (errors) or run worse than it could (warnings), errors first. Pure. */
export function lint(model: Model, runtime: Runtime): Finding[] {
  const subject = subjectOf(model);
  const found = rulesFor(runtime).flatMap((rule) =>
    [...rule.check(subject)].map((spot) => ({ rule: rule.id, severity: rule.for[runtime]!, ...spot })),
  );
  return [...found.filter((f) => f.severity === 'error'), ...found.filter((f) => f.severity === 'warning')];
}

/** Q and DQ nodes of a model. */
export const countPairs = (model: Model): number => [...grids(subjectOf(model))].length;

export { rulesFor } from './rules/index.js';
export { RUNTIMES, type Runtime } from './runtimes.js';
export { lintSarif } from './sarif.js';
export type { Finding, LintReport, Rule } from './types.js';
