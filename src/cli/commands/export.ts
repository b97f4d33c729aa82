import type { Action } from '../command-table/spec.js';
import { refuseOverwriting } from '../files/paths.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';
import { packageForms } from '../render/forms.js';

export const run: Action = ([model], options, shell) => {
  refuseOverwriting(model!, [options.output]);
  return withJob(model!, options, shell, async ({ job, progress }) => {
    const result = await (await shell.pipeline()).exportModel(job);
    progress.end();
    for (const file of result.files) progress.say(`wrote ${file}`);
    await printResult(packageForms(result.package, options), options, shell);
    if (result.failedGate) throw result.failedGate;
  });
};
