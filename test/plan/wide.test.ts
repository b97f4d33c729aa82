import { expect, it } from 'vitest';
import { draftPlan } from '../../src/plan/index.js';
import { conv, input, network } from './cases.js';

const given = await input(network({ nodes: [conv('x', 'w0', 'y'), conv('y', 'w1', 'z')], outputs: ['z'] }));

it('tensors that are asked for have 16 bits, a grid 257 times as fine; the others keep theirs', () => {
  const byName = (wide?: Set<string>) =>
    new Map(draftPlan({ ...given, wide }, '').activations.map((a) => [a.tensor, a]));
  const [narrow, wide] = [byName(), byName(new Set(['y']))];
  expect(narrow.get('y')).toMatchObject({ format: 'uint8' });
  expect(wide.get('y')).toMatchObject({ format: 'uint16', reason: expect.stringContaining('16 bits') });
  expect(narrow.get('y')!.scale / wide.get('y')!.scale).toBeCloseTo(257, 2);
  expect(wide.get('x')).toEqual(narrow.get('x'));
});

it('a node may have weights of its own format, with the reason', () => {
  const int4 = { weights: 'int4', granularity: { kind: 'perchannel' as const }, reason: 'by the budget' };
  const { weights } = draftPlan({ ...given, formats: new Map([['z', int4]]) }, '');
  expect(weights.map((w) => w.format)).toEqual(['int8', 'int4']);
  expect(weights[1].reason).toContain('by the budget');
});
