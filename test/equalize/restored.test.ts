import { describe, expect, it } from 'vitest';
import { misfit, planRestored, rescaled } from '../../src/equalize/index.js';
import { channelStats } from '../../src/equalize/observe.js';
import { topologyOf } from '../../src/equalize/topology.js';
import { makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { prepare } from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import { source } from '../emit/emitted.js';
import { network } from '../plan/cases.js';
import { random } from '../prepare/helpers.js';
import { typesOf } from './networks.js';

const inputs = { x: [1, 1, 6, 6] };
/** A gate on channels that are `rows` times the input. */
const gated = (rows: number[], outputs = ['y']): Model =>
  network({
    inputs,
    nodes: [
      makeNode('Conv', ['x', 'w', 'bias'], ['a']),
      makeNode('Sigmoid', ['a'], ['s']),
      makeNode('Mul', ['a', 's'], ['m']),
      makeNode('Conv', ['m', 'v'], ['y']),
    ],
    outputs,
    initializers: [
      floatTensor('w', [rows.length, 1, 1, 1], rows),
      floatTensor('bias', [rows.length], rows),
      random('v', [2, rows.length, 1, 1]),
    ],
  });
const asked = { tensors: ['a', 'm', 'x'] };

async function outputsOf(model: Model): Promise<Float32Array[]> {
  const session = await openModel(model);
  const found: Float32Array[] = [];
  for await (const { feeds } of source(inputs).samples())
    found.push((await session.run(feeds)).y.data as Float32Array);
  await session.release();
  return found;
}

describe('channels in front of an operator that factors do not pass', () => {
  it('get the whole range, and their own sizes back behind it', async () => {
    const model = gated([8, 0.5, -0.02, 1e-6]);
    const types = await typesOf(model);
    const found = await planRestored(model, types, source(inputs), asked);
    // Ratios of the rows; a channel that is next to dead gets no more than a thousand.
    expect(found).toMatchObject([{ tensors: ['a'], factors: [1, 16, 400, 1000], restored: true }]);
    expect(misfit(model, types, found)).toBeUndefined();
    const after = rescaled(model, types, found);
    expect(after.model.graph.nodes.map((n) => n.opType)).toEqual(['Conv', 'Mul', 'Sigmoid', 'Mul', 'Conv']);
    // A later preparation, for another opset or for fixed sizes, does not fold it away.
    expect((await prepare(after.model, { opset: 21 })).model.graph.nodes).toHaveLength(5);
    expect(after.types.get('a_restored')?.dims).toEqual(types.get('a')?.dims);
    const slot = topologyOf(after.model, after.types).slots.get('a')!;
    const { min, max } = (await channelStats(after.model, [slot], source(inputs), { limit: 8 })).get('a')!;
    const sizes = max.map((high, c) => Math.max(high, -min[c]));
    for (const c of [1, 2]) expect(sizes[c] / sizes[0]).toBeCloseTo(1, 3);
    const [then, now] = [await outputsOf(model), await outputsOf(after.model)];
    then.forEach((values, i) => {
      values.forEach((v, at) => {
        // Two products more, each rounded to 24 bits, of values up to 40.
        expect(Math.abs(now[i][at] - v)).toBeLessThanOrEqual(40 * 2 ** -21);
      });
    });
  });

  it.each([
    ['are even already', gated([2, 2, -2]), 'real'],
    ['are an output of the graph as well', gated([8, 0.02], ['y', 'a']), 'real'],
    ['are known from made-up samples alone', gated([8, 0.02]), 'synthetic'],
  ] as const)('stay as they are where they %s', async (_, model, kind) => {
    const samples = { ...source(inputs), kind };
    expect(await planRestored(model, await typesOf(model), samples, asked)).toEqual([]);
  });

  it.each([
    ['a value that no layer writes', 'm', [1, 1], /no channels/],
    ['too few factors', 'a', [1], /2 channels .* not 1/],
  ])('are refused where a person names %s', async (_, tensor, factors, message) => {
    const model = gated([8, 0.02]);
    const entry = { tensors: [tensor], factors, restored: true as const, reason: '' };
    expect(misfit(model, await typesOf(model), [entry])?.message).toMatch(message);
  });
});
