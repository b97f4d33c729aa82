import type { Action } from '../commands.js';
import { inspectionForms } from '../forms.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';

export const run: Action = ([model], options, shell) =>
  withJob(model!, options, shell, async ({ job, progress }) => {
    const inspection = await (await shell.pipeline()).inspect(job);
    progress.end();
    await printResult(inspectionForms(inspection, options), options, shell);
  });
