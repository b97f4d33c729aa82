import type { Action } from '../commands.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';
import { statsForms } from '../stats-forms.js';

export const run: Action = ([model], options, shell) =>
  withJob(model!, options, shell, async ({ job, progress }) => {
    const { stats, file } = await (await shell.pipeline()).calibrate(job);
    progress.end();
    progress.say(`wrote ${file}`);
    await printResult(statsForms(stats, file), options, shell);
  });
