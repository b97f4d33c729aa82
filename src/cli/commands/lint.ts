import { gateError } from '../../errors.js';
import { RUNTIMES } from '../../lint/runtimes.js';
import type { Action } from '../command-table/spec.js';
import { withJob } from '../job.js';
import { jsonText, printResult } from '../output.js';
import { lintForms } from '../render/forms.js';

export const run: Action = ([model], options, shell) =>
  withJob(model!, options, shell, async ({ job, progress }) => {
    const { lintFile, lintSarif } = await shell.pipeline();
    const report = lintFile(job.model, options.for, model);
    progress.end();
    if (options.format === 'sarif') shell.stdout.write(jsonText(lintSarif(report)));
    else await printResult(lintForms(report, options), options, shell);
    const errors = report.findings.filter((f) => f.severity === 'error').length;
    const others = RUNTIMES.map((row) => row.id).filter((id) => id !== options.for);
    if (errors > 0)
      throw gateError(
        'LINT_ERRORS',
        `${errors} findings that ${options.for} would refuse or compute wrongly`,
        {
          hint: `each finding names its rule; --verbose says what to do; --for ${others.join(', ')} asks another runtime`,
        },
      );
  });
