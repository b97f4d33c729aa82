import type { Action } from '../commands.js';
import { reportForms } from '../forms.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';

export const run: Action = ([model], options, shell) =>
  withJob(model!, options, shell, async ({ job, progress }) => {
    const report = await (await shell.pipeline()).report(job);
    progress.end();
    await printResult(reportForms(report, options), options, shell);
  });
