import type { Action } from '../command-table/spec.js';
import { refuseOverwriting } from '../files/paths.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';
import { statsForms } from '../render/statistics.js';

export const run: Action = async ([model], options, shell) => {
  refuseOverwriting(model!, [options.output]);
  await withJob(model!, options, shell, async ({ job, progress }) => {
    const { stats, file } = await (await shell.pipeline()).calibrate(job);
    progress.end();
    progress.say(`wrote ${file}`);
    await printResult(statsForms(stats, file), options, shell);
  });
};
