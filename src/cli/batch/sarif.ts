import { relative } from 'node:path';
import type { BatchEvent, BatchResult, Regression } from '../../batch/types.js';
import { type SarifResult, sarifLog, uriOf } from '../../lint/sarif-log.js';
import { regressionCode, regressionText } from './junit.js';

export type Warning = BatchEvent & { event: 'warning' };

/** What failed in a batch, what got worse and what was warned of, each at the file of its model. */
export function batchSarif(
  { jobs }: BatchResult,
  worse: readonly Regression[],
  warnings: readonly Warning[],
): object {
  const files = new Map(jobs.map((job) => [job.id, uriOf(relative(process.cwd(), job.model))]));
  const result = (job: string, ruleId: string, level: 'error' | 'warning', text: string): SarifResult => ({
    ruleId,
    level,
    message: { text: `${job}: ${text}` },
    locations: [{ physicalLocation: { artifactLocation: { uri: files.get(job)! } } }],
  });
  const results = [
    ...jobs.flatMap(({ id, error }) =>
      error ? [result(id, error.code ?? 'BUG', 'error', error.message)] : [],
    ),
    ...worse.map((r) => result(r.job, regressionCode(r), 'error', regressionText(r))),
    ...warnings.map(({ job, code, message }) => result(job, code, 'warning', message)),
  ];
  const rules = [...new Set(results.map(({ ruleId }) => ruleId))].map((id) => ({ id }));
  return sarifLog(rules, results);
}
