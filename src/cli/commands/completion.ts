import type { Action } from '../command-table/spec.js';
import { completionScript } from '../completion.js';

export const run: Action = async ([shell], _options, { stdout }) => {
  stdout.write(await completionScript(shell as 'bash' | 'zsh' | 'fish'));
};
