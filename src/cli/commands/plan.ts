import type { Action } from '../command-table/spec.js';
import { refuseOverwriting } from '../files/paths.js';
import { writeTextFile } from '../files/streams.js';
import { withJob } from '../job.js';
import { jsonText, printResult } from '../output.js';
import { planForms } from '../render/forms.js';

export const run: Action = async ([model], options, shell) => {
  refuseOverwriting(model!, [options.output]);
  await withJob(model!, options, shell, async ({ job, progress }) => {
    const { output, ...rest } = job;
    const plan = await (await shell.pipeline()).plan(rest);
    progress.end();
    if (output === '-') return void shell.stdout.write(jsonText(plan));
    if (output !== undefined) {
      writeTextFile(output, jsonText(plan));
      progress.say(`wrote ${output}`);
    }
    await printResult(planForms(plan, options), options, shell);
  });
};
