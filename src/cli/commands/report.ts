import type { Action } from '../commands.js';
import { reportForms } from '../forms.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';
import { refuseOverwriting } from '../paths.js';
import { checkReportFiles, reportFiles, writeReportFiles } from '../report-files.js';

export const run: Action = async ([model], options, shell) => {
  refuseOverwriting(model!, reportFiles(options));
  checkReportFiles(options);
  await withJob(model!, options, shell, async ({ job, progress }) => {
    const forms = reportForms(await (await shell.pipeline()).reportWithDetail(job), options);
    await writeReportFiles(forms, options);
    progress.end();
    for (const file of reportFiles(options)) progress.say(`wrote ${file}`);
    await printResult(forms, options, shell);
  });
};
