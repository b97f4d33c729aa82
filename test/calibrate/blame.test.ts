import { expect, it } from 'vitest';
import { blameSample } from '../../src/calibrate/index.js';
import { invalidError, type QuantizeError } from '../../src/errors.js';

const sample = {
  id: 's0',
  index: 0,
  feeds: { x: { dtype: 'float32' as const, dims: [1, 16], data: new Float32Array(16) } },
};

it.each([
  ['real', /Remove the sample/],
  ['synthetic', /give real samples with --calibration/],
] as const)('tells a failed run as that of a %s sample', (kind, hint) => {
  const told = blameSample(sample, kind, invalidError('RUN_FAILED', 'too short')) as QuantizeError;
  expect(told.code).toBe('SAMPLE_RUN');
  expect(told.message).toBe('sample "s0" (x 1×16 float32): too short');
  expect(told.hint).toMatch(hint);
});

it('leaves other errors as they are', () => {
  const other = new TypeError('a bug');
  expect(blameSample(sample, 'real', other)).toBe(other);
});
