import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { ROOT } from './cli/run.js';

/** What a program that depends on the package sees, through the package's own name. */
it('the library gives the commands, the registries and the errors, and prints nothing', () => {
  const script = `import * as library from 'onnx-quantize';
    process.stdout.write(Object.keys(library).sort().join(' '));`;
  const names = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const commands = ['apply', 'calibrate', 'compare', 'inspect', 'merge', 'plan', 'quantize', 'report'];
  const rest = [
    'TARGETS',
    'METHODS',
    'SCHEMES',
    'FORMATS',
    'PRESETS',
    'QuantizeError',
    'EXIT_CODES',
    'parseScheme',
  ];
  expect(names.split(' ')).toEqual(expect.arrayContaining([...commands, ...rest]));
});
