import { describe, expect, it } from 'vitest';
import { describeError, exitCodeOf } from '../../src/cli/errors.js';
import {
  bugError,
  gateError,
  invalidError,
  QuantizeError,
  unsupportedError,
  usageError,
} from '../../src/errors.js';

const interrupted = new QuantizeError('interrupted', 'INTERRUPTED', 'stopped');

describe('exitCodeOf', () => {
  it.each<[what: string, error: unknown, aborted: boolean, code: number]>([
    ['usage', usageError('A', 'a'), false, 2],
    ['invalid input', invalidError('A', 'a'), false, 3],
    ['not supported', unsupportedError('A', 'a'), false, 4],
    ['a gate', gateError('A', 'a'), false, 5],
    ['an interruption', interrupted, false, 130],
    ['a bug that we noticed', bugError('A', 'a'), false, 1],
    ['a bug that we did not', new TypeError('x is undefined'), false, 1],
    ['anything else that is thrown', 'text', false, 1],
    ['whatever an abort made a stage throw', new Error('aborted'), true, 130],
  ])('%s', (_what, error, aborted, code) => expect(exitCodeOf(error, aborted)).toBe(code));
});

describe('describeError', () => {
  it('says code, message, where and what to do', () => {
    const error = invalidError('MODEL_TRUNCATED', 'the file ends inside a tensor', {
      where: { file: 'net.onnx', tensor: 'w', byte: 0 },
      hint: 'download it again',
    });
    expect(describeError(error, false)).toBe(
      'error MODEL_TRUNCATED: the file ends inside a tensor\n' +
        '  where: file net.onnx, tensor w, byte 0\n' +
        '  hint: download it again',
    );
  });

  it('says nothing of what is not known', () =>
    expect(describeError(usageError('A', 'a'), false)).toBe('error A: a'));

  it('calls a bug a bug, and shows its stack only when asked', () => {
    const bug = new TypeError('x is undefined');
    expect(describeError(bug, false)).toMatch(/^error BUG: x is undefined\n {2}this is a bug in quantize/);
    expect(describeError(bug, false)).toContain('QUANTIZE_DEBUG=1');
    expect(describeError(bug, false)).not.toContain('errors.test.ts');
    expect(describeError(bug, true)).toContain('errors.test.ts');
  });

  it('keeps the code and the place of a bug that we noticed', () => {
    const text = describeError(bugError('EMIT_INVALID', 'no', { where: { node: 'conv1' } }), false);
    expect(text).toContain('error EMIT_INVALID: no\n  where: node conv1');
    expect(text).toContain('this is a bug');
  });

  it('shows the causes with the stack', () => {
    const error = invalidError('A', 'a', { cause: new Error('the file is gone') });
    expect(describeError(error, true)).toContain('caused by Error: the file is gone');
    expect(describeError(error, false)).not.toContain('the file is gone');
  });
});
