import type { Action } from '../command-table/spec.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';
import { comparisonForms } from '../render/forms.js';

export const run: Action = ([a, b], options, shell) =>
  withJob(a!, options, shell, async ({ job, progress }) => {
    const comparison = await (await shell.pipeline()).compare(job.model, b!, job);
    progress.end();
    await printResult(comparisonForms(comparison, options), options, shell);
  });
