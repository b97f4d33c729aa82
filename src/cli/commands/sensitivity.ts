import type { Action } from '../command-table/spec.js';
import { refuseOverwriting } from '../files/paths.js';
import { requireFolder } from '../files/reports.js';
import { writeTextFile } from '../files/streams.js';
import { withJob } from '../job.js';
import { printResult } from '../output.js';
import { sensitivityForms } from '../render/forms.js';

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
