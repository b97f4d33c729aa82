import { dirname, resolve } from 'node:path';
import { invalidError, usageError } from '../../errors.js';
import type { Options } from '../options/index.js';
import { type Forms, jsonText } from '../output.js';
import { entryAt } from './paths.js';
import { writeTextFile } from './streams.js';

/** What the ending of a report's file stands for. */
const FORMS: Record<string, (forms: Forms) => string | Promise<string>> = {
  '.json': (forms) => jsonText(forms.json),
  '.md': (forms) => forms.markdown(),
  '.html': (forms) => forms.html!(),
};

const endingOf = (file: string): string => /\.[a-z]+$/.exec(file)?.[0] ?? '';

/** Files that --report and --html name, in that order. */
export const reportFiles = ({ report = [], html }: Options): string[] => [
  ...report,
  ...(html === undefined ? [] : [html]),
];

/**
 * Refuses, before hours of work, endings that stand for no form and folders that are not there.
 * @throws QuantizeError REPORT_FORMAT (usage), NO_FOLDER (invalid)
 */
export function checkReportFiles(options: Options): void {
  for (const file of options.report ?? [])
    if (!Object.hasOwn(FORMS, endingOf(file)))
      throw usageError(
        'REPORT_FORMAT',
        `--report expects a file that ends in .html, .json or .md, but received "${file}"`,
      );
  for (const file of reportFiles(options)) requireFolder(file);
}

export function requireFolder(file: string): void {
  const folder = dirname(resolve(file));
  if (!entryAt(folder)?.isDirectory())
    throw invalidError('NO_FOLDER', `there is no folder ${folder} to write into`, { where: { file } });
}

/** Writes each file that was asked for; --html makes a page whatever its file is called. */
export async function writeReportFiles(forms: Forms, { report = [], html }: Options): Promise<void> {
  for (const file of report) write(file, await FORMS[endingOf(file)](forms));
  if (html !== undefined) write(html, await forms.html!());
}

const write = (file: string, text: string): void => writeTextFile(file, `${text.trimEnd()}\n`);
