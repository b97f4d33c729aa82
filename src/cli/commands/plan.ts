import type { Action } from '../commands.js';
import { planForms } from '../forms.js';
import { withJob } from '../job.js';
import { jsonText, printResult } from '../output.js';
import { writeTextFile } from '../streams.js';

export const run: Action = ([model], options, shell) =>
  withJob(model!, options, shell, async ({ job, progress }) => {
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
