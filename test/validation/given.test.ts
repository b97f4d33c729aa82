import { describe, expect, it } from 'vitest';
import { givenRows, validate } from '../../src/validation/index.js';

const row = (change: object = {}) => ({
  target: 'l4',
  workload: { kind: 'network', id: 'resnet50', batch: 32 },
  precision: 'int8',
  unit: 'samples/s',
  value: 13158,
  ...change,
});
const generation = { kind: 'generation', id: 'gpt-j', batch: 64, input: 128, output: 128 };

describe('measurements of a file', () => {
  it('are predicted as published ones are, and count as held out', () => {
    const [ours] = validate('l4').rows.filter((r) => r.what === 'resnet50, batch 32');
    const [theirs] = validate(undefined, givenRows([row({ value: ours.published })], 'rows.json')).rows;
    expect(theirs).toMatchObject({ kind: 'convolutions', used: 'held out', source: 'rows.json' });
    expect([theirs.predicted, theirs.error]).toEqual([ours.predicted, ours.error]);
  });

  it.each([
    ['an alias of a chip', row({ target: 'h100' }), { target: 'h100-sxm', kind: 'convolutions' }],
    ['a source of its own', row({ source: 'page 3' }), { source: 'page 3' }],
    [
      'a transformer',
      row({ workload: { kind: 'network', id: 'bert-base', batch: 8 } }),
      { kind: 'transformers' },
    ],
    ['tokens', row({ workload: generation, unit: 'tokens/s' }), { kind: 'generation' }],
    [
      'a product',
      row({ workload: { kind: 'product', m: 64, n: 64, k: 64 }, unit: 'TFLOPS' }),
      { kind: 'products' },
    ],
  ])('take %s', (_, given, expected) => {
    expect(givenRows([given], 'rows.json')[0]).toMatchObject(expected);
  });

  it.each([
    ['no list', {}, 'expected a list'],
    ['no rows', [], 'expected a list'],
    ['no object', [7], 'row 1: target is nothing'],
    ['an unknown chip', [row(), row({ target: 'h900' })], 'row 2: target is "h900"; expected one of'],
    ['this machine', [row({ target: 'cpu' })], 'target is "cpu"'],
    ['an unknown network', [row({ workload: { kind: 'network', id: 'resnet51', batch: 1 } })], 'workload.id'],
    ['an unknown kind', [row({ workload: { kind: 'training' } })], 'workload.kind'],
    ['no batch', [row({ workload: { kind: 'network', id: 'resnet50' } })], 'workload.batch is nothing'],
    ['half a chip', [row({ workload: { ...generation, chips: 0.5 }, unit: 'ms' })], 'workload.chips is 0.5'],
    ['tokens of pictures', [row({ unit: 'tokens/s' })], 'unit is "tokens/s"; expected one of "ms"'],
    ['a format that is not computed in', [row({ precision: 'int3' })], 'precision is "int3"'],
    ['nothing measured', [row({ value: undefined })], 'value is nothing; expected the measured number'],
  ])('are refused: %s', (_, json, message) => {
    expect(() => givenRows(json, 'rows.json')).toThrow(message);
  });
});
