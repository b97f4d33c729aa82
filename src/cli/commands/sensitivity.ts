import type { Action } from '../commands.js';
import { sensitivityForms } from '../forms.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';
import { refuseOverwriting } from '../paths.js';
import { requireFolder } from '../report-files.js';
import { writeTextFile } from '../streams.js';

export const run: Action = ([model], options, shell) => {
  const { svg } = options;
  if (svg !== undefined) {
    refuseOverwriting(model!, [svg]);
    requireFolder(svg);
  }
  return withJob(model!, options, shell, async ({ job, progress }) => {
    const found = await (await shell.pipeline()).sensitivity(job);
    if (svg !== undefined) {
      const { sensitivitySvg } = await import('../../report/index.js');
      writeTextFile(svg, `${await sensitivitySvg(found)}\n`);
    }
    progress.end();
    if (svg !== undefined) progress.say(`wrote ${svg}`);
    await printResult(sensitivityForms(found, options), options, shell);
  });
};
