import { describe, expect, it } from 'vitest';
import type { QuantizeError } from '../../src/errors.js';
import { parseScheme, SCHEMES } from '../../src/plan/index.js';

const GOOD: [string, { weights: string; activations?: string; granularity: string }][] = [
  ['int8-perchannel', { weights: 'int8', granularity: 'perchannel' }],
  ['int8-a8-perlayer', { weights: 'int8', granularity: 'perlayer' }],
  ['int8-uint8-perchannel', { weights: 'int8', activations: 'uint8', granularity: 'perchannel' }],
  ['int8-float-perchannel', { weights: 'int8', activations: 'none', granularity: 'perchannel' }],
  ['uint8-perlayer', { weights: 'uint8', granularity: 'perlayer' }],
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
];

describe('parseScheme', () => {
  it.each(GOOD)('%s', (name, expected) => {
    const scheme = parseScheme(name);
    expect({
      weights: scheme.weights,
      activations: scheme.activations,
      granularity: scheme.granularity.kind,
    }).toEqual({ activations: undefined, ...expected });
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
