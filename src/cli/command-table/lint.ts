import type { CommandSpec } from './index.js';

export const LINT: CommandSpec = {
  id: 'lint',
  summary: 'what a runtime would refuse of a Q/DQ model, or run worse than it could',
  detail:
    'Looks at the file and runs nothing. Errors make the exit code 5; warnings do not. Each finding names its\n' +
    'rule; --verbose says why the rule is there, what to do, and whose it is.',
  operands: [{ name: '<model>', description: 'an ONNX file, or - for stdin' }],
  options: ['for', 'format', 'quiet', 'verbose'],
  overrides: {
    format: { description: 'form of the findings', choices: ['table', 'json', 'markdown', 'sarif'] },
  },
  examples: [
    ['lint quantized.onnx --for tensorrt', 'before a build of an hour'],
    ['lint quantized.onnx --for tensorrt -f sarif > lint.sarif', 'for code scanning in CI'],
  ],
  load: () => import('../commands/lint.js'),
};
