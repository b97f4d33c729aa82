import { METHODS } from '../../calibrate/methods/index.js';
import type { Action } from '../command-table/spec.js';
import { listing, printResult } from '../output.js';

export const run: Action = (_args, options, shell) =>
  printResult(
    listing(
      'onnx-quantize/methods@1',
      ['method', 'how it chooses a range'],
      METHODS.map((m) => [m.id, m.description]),
      { methods: METHODS.map(({ id, description }) => ({ id, description })) },
    ),
    options,
    shell,
  );
