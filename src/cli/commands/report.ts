import { readFileSync } from 'node:fs';
import { findTarget } from '../../../targets/index.js';
import { invalidError, usageError } from '../../errors.js';
import type { Action } from '../command-table/spec.js';
import type { JobOptions, Pipeline } from '../engine.js';
import { refuseOverwriting } from '../files/paths.js';
import { checkReportFiles, reportFiles, writeReportFiles } from '../files/reports.js';
import { withJob } from '../job.js';
import type { Options } from '../options/index.js';
import { type Forms, printResult } from '../output.js';
import { comparedForms, reportForms } from '../render/forms.js';
import type { Shell } from '../shell.js';

export const run: Action = async ([model], options, shell) => {
  if (options.validate) return validation(model, options, shell);
  if (model === undefined)
    throw usageError('MODEL_MISSING', 'report needs a model', {
      hint: '`quantize report model.onnx`, or `quantize report --validate`',
    });
  refuseOverwriting(model, reportFiles(options));
  checkReportFiles(options);
  await withJob(model, options, shell, async ({ job, progress }) => {
    const forms = await formsOf(await shell.pipeline(), job, options);
    await writeReportFiles(forms, options);
    progress.end();
    for (const file of reportFiles(options)) progress.say(`wrote ${file}`);
    await printResult(forms, options, shell);
  });
};

/** One report, or several side by side when more than one target or scheme is named. */
async function formsOf(pipeline: Pipeline, job: JobOptions, options: Options): Promise<Forms> {
  const [targets, schemes] = [options.target, options.scheme].map(listed);
  return targets.length * schemes.length > 1
    ? comparedForms(await pipeline.sideBySide(job, targets, schemes))
    : reportForms(await pipeline.reportOn(job), options);
}

/** "ane,tpu" → both. A path is one name whatever it holds. */
const listed = (text: string): string[] =>
  text.endsWith('.json') && text.includes('/') ? [text] : text.split(',').filter((name) => name !== '');

/** Of the chip that was named, of all when none was; or of the measurements of a file. */
async function validation(file: string | undefined, options: Options, shell: Shell): Promise<void> {
  const only = findTarget(options.target);
  const { givenRows, validate } = await shell.pipeline();
  const { validationForms } = await import('../render/validation.js');
  const given = file === undefined ? undefined : givenRows(readJson(file), file);
  const result = validate(only?.timing === 'modelled' ? only.id : undefined, given);
  await printResult(validationForms(result), options, shell);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw invalidError('ROWS_INVALID', `cannot read the measurements: ${(cause as Error).message}`, {
      where: { file },
      cause,
    });
  }
}
