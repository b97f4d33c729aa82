import { SCHEMES } from '../../plan/scheme.js';
import type { Action } from '../commands.js';
import { listing, printResult } from '../output.js';

export const run: Action = (_args, options, shell) =>
  printResult(
    listing(
      'onnx-quantize/schemes@1',
      ['scheme', 'what it is'],
      SCHEMES.map((s) => [s.id, s.description]),
      { schemes: SCHEMES },
    ),
    options,
    shell,
  );
