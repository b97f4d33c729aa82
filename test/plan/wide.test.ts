import { expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { candidates, draftPlan, parseScheme } from '../../src/plan/index.js';
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

it.each([
  [false, ['uint8', 'uint4', 'uint8']],
  [true, ['uint4', 'uint4', 'uint4']],
])('what the ends read keeps 8 bits of 4, unless all are to be alike (%s)', async (uniform, formats) => {
  const nodes = [conv('x', 'w0', 'y'), conv('y', 'w1', 'z'), conv('z', 'w2', 'u')];
  const a4 = {
    ...(await input(network({ nodes, outputs: ['u'] }))),
    scheme: parseScheme('int4-a4-perchannel'),
  };
  const { activations } = draftPlan({ ...a4, writing: { uniform } }, '');
  const byName = new Map(activations.map((a) => [a.tensor, a]));
  expect(['x', 'y', 'z'].map((t) => byName.get(t)!.format)).toEqual(formats);
});

it('of 4 bits activations that the ends read keep 8, and what no product reads is not rounded', async () => {
  const nodes = [
    conv('x', 'w0', 'y'),
    makeNode('Erf', ['y'], ['e']),
    conv('e', 'w1', 'f'),
    conv('f', 'w2', 'z'),
  ];
  const { activations } = draftPlan(
    await input(network({ nodes: [...nodes, conv('z', 'w3', 'u')], outputs: ['u'] }), {
      scheme: 'int4-a4-perchannel',
    }),
    '',
  );
  const byName = new Map(activations.map((a) => [a.tensor, a.format]));
  expect(['x', 'y', 'e', 'f', 'z'].map((t) => byName.get(t))).toEqual([
    'uint8',
    undefined,
    'uint4',
    'uint4',
    'uint8',
  ]);
});

it('the range of a Sigmoid is known for 8 bits, and asked of the data for fewer', async () => {
  const nodes = [conv('x', 'w0', 'y'), makeNode('Sigmoid', ['y'], ['s']), conv('s', 'w1', 'z')];
  const asked = async (scheme: string) =>
    candidates(await input(network({ nodes: [...nodes, conv('z', 'w2', 'u')], outputs: ['u'] }), { scheme }));
  expect(await asked('int8-perchannel')).not.toContain('s');
  expect(await asked('int8-a4-perchannel')).toContain('s');
});

it('a node may have weights of its own format, with the reason', () => {
  const int4 = { weights: 'int4', granularity: { kind: 'perchannel' as const }, reason: 'by the budget' };
  const { weights } = draftPlan({ ...given, formats: new Map([['z', int4]]) }, '');
  expect(weights.map((w) => w.format)).toEqual(['int8', 'int4']);
  expect(weights[1].reason).toContain('by the budget');
});
