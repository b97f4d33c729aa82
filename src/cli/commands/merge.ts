import type { Action } from '../command-table/spec.js';
import { printResult } from '../output.js';
import { createProgress } from '../progress.js';
import { statsForms } from '../render/statistics.js';

export const run: Action = async (files, options, shell) => {
  const { stats, file } = await (await shell.pipeline()).merge(files as string[], options.output!);
  createProgress(shell, options).say(`wrote ${file}`);
  await printResult(statsForms(stats, file), options, shell);
};
