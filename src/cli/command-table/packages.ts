import { PACKAGE, READING, TALK } from '../options/groups.js';
import { type CommandSpec, MODEL } from './spec.js';

export const EXPORT: CommandSpec = {
  id: 'export',
  summary: 'the chip’s own package of a model that you have, quantized or not',
  detail:
    'Shapes become those of the first sample, or 1 where there is none (--dim). The package is read back and run against the model; what the Neural Engine is not expected to run, or where a TPU pads, is listed.',
  operands: [MODEL],
  options: [
    'to',
    'output',
    ...PACKAGE,
    'highPrecision',
    'keep',
    'calibration',
    ...READING,
    ...TALK,
    'threads',
  ],
  overrides: {
    output: { description: 'folder to write' },
    calibration: { description: 'samples to compare the package with the model on' },
  },
  examples: [
    ['export quantized.onnx --to mlpackage -o model.mlpackage', 'from a Q/DQ model'],
    ['export quantized.onnx --to savedmodel -o model.savedmodel', 'StableHLO with a CPU twin'],
    ['export net.onnx -o net.mlpackage --image --preset imagenet-torch', 'pictures in, scaled inside'],
    ['export net.onnx -o net.mlpackage --ios 17 --fail-on-fallback 5', 'a gate for CI'],
  ],
  load: () => import('../commands/export.js'),
};

export const LINT: CommandSpec = {
  id: 'lint',
  summary: 'what a runtime would refuse of a Q/DQ model, or run worse than it could',
  detail:
    'Looks at the file and runs nothing. Errors make the exit code 5; warnings do not. Each finding names its\n' +
    'rule; --verbose says why the rule is there, what to do, and whose it is.',
  operands: [MODEL],
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
