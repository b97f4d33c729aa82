import { usageError } from '../../errors.js';
import type { Action } from '../command-table/spec.js';
import type { Survey } from '../engine.js';
import { refuseOverwriting } from '../files/paths.js';
import { requireFolder } from '../files/reports.js';
import { writeTextFile } from '../files/streams.js';
import { type Session, withJob } from '../job.js';
import type { Options } from '../options/index.js';
import { printResult } from '../output.js';
import { inspectionForms, surveyForms } from '../render/forms.js';
import type { Shell } from '../shell.js';

export const run: Action = ([model], options, shell) => {
  checkPicture(model!, options);
  const surveys = options.formats || options.roundingBias;
  return withJob(model!, options, shell, (session) =>
    surveys ? survey(session, options, shell) : inspect(session, options, shell),
  );
};

/** Refused before the work, not after. */
function checkPicture(model: string, { svg, formats }: Options): void {
  if (svg === undefined) return;
  if (!formats)
    throw usageError('SVG_WITHOUT_FORMATS', '--svg draws what --formats finds', { hint: 'add --formats' });
  refuseOverwriting(model, [svg]);
  requireFolder(svg);
}

async function inspect({ job, progress }: Session, options: Options, shell: Shell): Promise<void> {
  const inspection = await (await shell.pipeline()).inspect(job);
  progress.end();
  await printResult(inspectionForms(inspection, options), options, shell);
}

async function survey({ job, progress }: Session, options: Options, shell: Shell): Promise<void> {
  const found = await (await shell.pipeline()).survey(job);
  if (options.svg) await draw(options.svg, found);
  progress.end();
  if (options.svg) progress.say(`wrote ${options.svg}`);
  await printResult(surveyForms(found, options), options, shell);
}

async function draw(file: string, found: Survey): Promise<void> {
  const { surveySvg } = await import('../../report/index.js');
  writeTextFile(file, `${await surveySvg(found)}\n`);
}
