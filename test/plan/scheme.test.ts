import { describe, expect, it } from 'vitest';
import type { QuantizeError } from '../../src/errors.js';
import { activationsOn, parseScheme, SCHEMES } from '../../src/plan/index.js';
import { findTarget } from '../../targets/index.js';

const GOOD: [string, { weights: string; activations: string; granularity: string }][] = [
  ['int8-perchannel', { weights: 'int8', activations: 'native', granularity: 'perchannel' }],
  ['int8-a8-perlayer', { weights: 'int8', activations: 'native8', granularity: 'perlayer' }],
  ['int8-uint8-perchannel', { weights: 'int8', activations: 'uint8', granularity: 'perchannel' }],
  ['int8-float-perchannel', { weights: 'int8', activations: 'none', granularity: 'perchannel' }],
  ['uint8-perlayer', { weights: 'uint8', activations: 'native', granularity: 'perlayer' }],
  ['int8-a16-perlayer', { weights: 'int8', activations: 'native16', granularity: 'perlayer' }],
  ['int8-dynamic-perlayer', { weights: 'int8', activations: 'dynamic', granularity: 'perlayer' }],
  ['int8-block32', { weights: 'int8', activations: 'none', granularity: 'block' }],
  ['int4-perchannel', { weights: 'int4', activations: 'none', granularity: 'perchannel' }],
  ['int4-a8-perchannel', { weights: 'int4', activations: 'native8', granularity: 'perchannel' }],
  ['int3-a3-perchannel', { weights: 'int3', activations: 'native3', granularity: 'perchannel' }],
  ['fp8-perchannel', { weights: 'fp8', activations: 'native', granularity: 'perchannel' }],
  ['lut4-perlayer', { weights: 'lut4', activations: 'none', granularity: 'perlayer' }],
  ['log4-perchannel', { weights: 'log4', activations: 'none', granularity: 'perchannel' }],
  ['nvfp4', { weights: 'nvfp4', activations: 'none', granularity: 'block' }],
  ['mxfp8-a8', { weights: 'mxfp8', activations: 'native8', granularity: 'block' }],
  ['bf16', { weights: 'bf16', activations: 'none', granularity: 'none' }],
];

const BAD = [
  '',
  'int8',
  'perchannel',
  'int8-perchanel',
  'int9-perchannel',
  'int8-a8-a8-perchannel',
  'int8-a99-perchannel',
  '-',
  'int8-',
  'INT8-perchannel',
  'int8-block1',
  'int8-block',
  'e8m0-perlayer',
  'int32-perlayer',
  'nvfp4-block16',
  'bf16-perchannel',
  'lut4',
];

describe('parseScheme', () => {
  it.each(GOOD)('%s', (name, expected) => {
    const scheme = parseScheme(name);
    expect({
      weights: scheme.weights,
      activations: scheme.activations,
      granularity: scheme.granularity.kind,
    }).toEqual(expected);
  });

  it.each(BAD)('refuses "%s" as usage', (name) => {
    expect(() => parseScheme(name)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_SCHEME', exitCode: 2 }) as QuantizeError,
    );
  });

  it('names the nearest', () => {
    try {
      parseScheme('int8-perchanel');
    } catch (error) {
      expect((error as QuantizeError).hint).toContain('did you mean int8-perchannel');
    }
  });

  it.each(SCHEMES.map((s) => s.id))('listed scheme %s parses', (id) => {
    expect(parseScheme(id).name).toBe(id);
  });
});

describe('activations that a scheme takes on a chip', () => {
  it.each([
    ['int8-perchannel', 'cpu', 'uint8'],
    ['int8-perchannel', 'h100', 'int8'],
    ['int8-a16-perlayer', 'cpu', 'uint16'],
    ['fp8-perchannel', 'h100', 'fp8'],
    ['fp8e5m2-perlayer', 'l4', 'fp8e5m2'],
    ['fp8fnuz-perlayer', 'h100', 'none'],
    ['fp8-perchannel', 'a100', 'none'],
    ['fp8-a8-perchannel', 'a100', 'fp8'],
    ['int4-block32', 'h100', 'none'],
  ])('%s on %s: %s', (scheme, chip, format) => {
    expect(activationsOn(parseScheme(scheme), findTarget(chip)!)).toBe(format);
  });
});
