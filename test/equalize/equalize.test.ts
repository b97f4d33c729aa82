import { describe, expect, it } from 'vitest';
import { componentsOf } from '../../src/equalize/components.js';
import { withGains } from '../../src/equalize/gains.js';
import { misfit, planGains, planRescalings, rescaled } from '../../src/equalize/index.js';
import { noise } from '../../src/equalize/noise.js';
import { channelStats } from '../../src/equalize/observe.js';
import { limitsOf, propose } from '../../src/equalize/proposal.js';
import { search } from '../../src/equalize/search.js';
import { topologyOf } from '../../src/equalize/topology.js';
import type { Grids } from '../../src/equalize/types.js';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { source } from '../emit/emitted.js';
import { conv, network } from '../plan/cases.js';
import { CASES, typesOf } from './networks.js';

const grids = (tensors: Iterable<string>, given: Partial<Grids> = {}): Grids => ({
  quantized: new Set(tensors),
  steps: 255,
  symmetric: false,
  weightSteps: 127,
  perChannel: true,
  ...given,
});

async function outputs(model: Parameters<typeof openModel>[0], inputs: Record<string, number[]>) {
  const session = await openModel(model);
  const found: Float32Array[] = [];
  for await (const { feeds } of source(inputs, 3).samples())
    for (const { data } of Object.values(await session.run(feeds))) found.push(data as Float32Array);
  await session.release();
  return found;
}

describe.each(CASES)('rescaling $name', ({ model, inputs, free }) => {
  it('finds the channels that may move', async () => {
    const topology = topologyOf(model, await typesOf(model));
    const movable = [...topology.slots.values()].filter((s) =>
      s.classes.some((id) => !topology.isPinned(id)),
    );
    expect(movable.map((s) => s.tensor)).toEqual(free);
  });

  it('computes what it did, within float32 rounding', async () => {
    const types = await typesOf(model);
    const topology = topologyOf(model, types);
    const rescalings = free.map((tensor) => ({
      tensors: [tensor],
      factors: Array.from(topology.slots.get(tensor)!.classes, (id) => 0.3 + ((id * 7) % 11)),
      reason: '',
    }));
    expect(misfit(model, types, rescalings)).toBeUndefined();
    const [before, after] = [
      await outputs(model, inputs),
      await outputs(rescaled(model, types, rescalings).model, inputs),
    ];
    for (const [i, values] of before.entries()) {
      // Products of a few hundred terms whose factors are rounded once more: a few units in the last of 24 bits.
      const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      values.forEach((v, at) => {
        expect(Math.abs(v - after[i][at])).toBeLessThanOrEqual(largest * 2 ** -18);
      });
    }
    if (free.length > 0) expect(rescaled(model, types, rescalings).model.graph).not.toEqual(model.graph);
  });

  it.each([
    { perChannel: true, symmetric: false },
    { perChannel: false, symmetric: true },
    { quantized: new Set<string>(), steps: 0, weightSteps: 7, block: 2 },
  ])('lowers the expected noise of each part or leaves it alone: %o', async (given) => {
    const types = await typesOf(model);
    const topology = topologyOf(model, types);
    const slots = [...topology.slots.values()];
    const stats = await channelStats(model, slots, source(inputs), { limit: 8 });
    const components = componentsOf(model, topology, stats);
    const factors = new Float64Array(topology.size).fill(1);
    const wanted = grids(topology.slots.keys(), given);
    const before = components.map((c) => noise(c, stats, wanted, factors));
    for (const component of components) {
      const alone = factors.slice();
      search([component], stats, wanted, limitsOf(topology, stats), alone);
      expect(noise(component, stats, wanted, alone)).toBeLessThanOrEqual(
        before[components.indexOf(component)],
      );
    }
  });
});

/** Two convolutions of one tap, with these rows and columns. */
const lopsided = (rows: number[], columns: number[]) =>
  network({
    inputs: { x: [1, 1, 6, 6] },
    nodes: [conv('x', 'w', 'a'), makeNode('Relu', ['a'], ['r']), conv('r', 'v', 'y')],
    outputs: ['y'],
    initializers: [
      floatTensor(
        'w',
        [rows.length, 1, 3, 3],
        rows.flatMap((r) => [0, 0, 0, 0, r, 0, 0, 0, 0]),
      ),
      floatTensor(
        'v',
        [1, columns.length, 3, 3],
        columns.flatMap((c) => [0, 0, 0, 0, c, 0, 0, 0, 0]),
      ),
    ],
  });

describe('known answers', () => {
  it('gives every channel the whole range when only activations are rounded', async () => {
    const model = lopsided([1, 4, 0.25], [1, 1, 1]);
    const types = await typesOf(model);
    const [entry] = await planRescalings(model, types, source({ x: [1, 1, 6, 6] }), {
      grids: grids(['r'], { weightSteps: 2 ** 20 }),
    });
    expect(entry.tensors).toEqual(['a', 'r']);
    const [one, four, quarter] = entry.factors;
    expect(one / four).toBeCloseTo(4, 2);
    expect(quarter / one).toBeCloseTo(4, 2);
  });

  it.each([
    ['cross-layer equalisation, √(r/w)', { activation: 0, reader: 0.5, writer: 0.5 }, [1 / 4, 4]],
    ['SmoothQuant at α = ½, w^½/x^½', { activation: 0.5, reader: 0.5, writer: 0 }, [1 / 6, 6]],
    [
      'SmoothQuant at α = ¾, w^¼/x^¾',
      { activation: 0.75, reader: 0.25, writer: 0 },
      [1 / Math.sqrt(108), Math.sqrt(108)],
    ],
  ])('has the factors of %s', (_, strength, factors) => {
    const logs = (a: number, b: number) => Float64Array.of(Math.log(a), Math.log(b));
    // Of the second channel, next to the first: activations a 324th, columns four times, rows a 64th … centred on 1.
    const sizes = { activation: logs(324, 1), reader: logs(1, 4), writer: logs(64, 1) };
    const m = new Float64Array(2);
    const limits = { fixed: new Set<number>(), most: new Map<number, number>() };
    propose({ classes: [0, 1] } as never, sizes, limits, strength, m);
    factors.forEach((factor, c) => {
      expect(m[c] / factor).toBeCloseTo(1, 10);
    });
  });

  it('evens out weights that share a scale as cross-layer equalisation does', async () => {
    const model = lopsided([16, 1], [1, 1]);
    const types = await typesOf(model);
    const [entry] = await planRescalings(model, types, source({ x: [1, 1, 6, 6] }), {
      grids: grids([], { perChannel: false }),
    });
    // s = √(r₁/r₂) = 4 and 1: after it, rows and columns both span a factor of four instead of sixteen and one.
    expect(entry.factors[1] / entry.factors[0]).toBeCloseTo(4, 2);
  });

  it('makes columns for loud channels as large as the others where weights alone are rounded, as AWQ does', async () => {
    const model = lopsided([16, 1], [1 / 16, 1]);
    const types = await typesOf(model);
    const [entry] = await planRescalings(model, types, source({ x: [1, 1, 6, 6] }), {
      grids: grids([], { steps: 0, weightSteps: 7 }),
    });
    // Step²/12 · Σ P·m²: the step stays that of the larger column while m₁ shrinks to 1/16, and P₁ = 16²·P₂.
    expect(entry.factors[1] / entry.factors[0]).toBeCloseTo(16, 1);
    // Each column with a scale of its own: nothing to gain.
    const apart = grids([], { steps: 0, weightSteps: 7, block: 1 });
    expect(await planRescalings(model, types, source({ x: [1, 1, 6, 6] }), { grids: apart })).toEqual([]);
  });

  it('leaves a network alone that is even already', async () => {
    const model = lopsided([1, 1], [1, 1]);
    const types = await typesOf(model);
    expect(await planRescalings(model, types, source({ x: [1, 1, 6, 6] }), { grids: grids(['r']) })).toEqual(
      [],
    );
  });

  it('keeps a channel that reaches its Clip’s bound, and lets another grow no further than the bound', async () => {
    const model = lopsided([1, 100], [1, 1]);
    model.graph.nodes[1] = makeNode('Clip', ['a', 'low', 'high'], ['r']);
    model.graph.initializers.push(floatTensor('low', [], [0]), floatTensor('high', [], [6]));
    const types = await typesOf(model);
    const samples = source({ x: [1, 1, 6, 6] });
    const rescalings = await planRescalings(model, types, samples, { grids: grids(['r']) });
    const [small, clipped] = rescalings[0].factors;
    expect(clipped).toBe(1);
    expect(small).toBeGreaterThan(1);
    const topology = topologyOf(model, types);
    const { max } = (await channelStats(model, [topology.slots.get('r')!], samples, { limit: 8 })).get('r')!;
    expect(max[0] * small).toBeLessThan(6);
    // No evidence, no liberty.
    const made = { ...samples, kind: 'synthetic' as const };
    expect(await planRescalings(model, types, made, { grids: grids(['r']) })).toEqual([]);
  });
});

describe('values behind an operator that nothing passes', () => {
  const inputs = { x: [1, 1, 20, 20] };
  const taps = (values: number[]) => values.flatMap((v) => [0, 0, 0, 0, v, 0, 0, 0, 0]);
  const gated = (rows: number[], columns: number[]) =>
    network({
      inputs,
      nodes: [
        conv('x', 'w', 'a'),
        makeNode('Sigmoid', ['a'], ['s']),
        makeNode('Mul', ['a', 's'], ['m']),
        conv('m', 'v', 'y'),
      ],
      outputs: ['y'],
      initializers: [
        floatTensor('w', [2, 1, 3, 3], taps(rows)),
        floatTensor('v', [1, 2, 3, 3], taps(columns)),
      ],
    });
  const model = gated([8, 0.05], [0.1, 3]);

  it('are multiplied on their way to the layers that read them, which undo it', async () => {
    const types = await typesOf(model);
    expect(await planRescalings(model, types, source(inputs), { grids: grids(['m']) })).toEqual([]);
    const gains = await planGains(model, types, source(inputs), { grids: grids(['m']) });
    expect(gains).toMatchObject([{ gainOf: 'm', tensors: ['m_evened'] }]);
    const [large, small] = gains[0].factors;
    expect(small).toBeGreaterThan(4 * large);
    expect(misfit(model, types, gains)).toBeUndefined();
    const after = rescaled(model, types, gains);
    expect(after.model.graph.nodes.map((n) => n.opType)).toEqual(['Conv', 'Sigmoid', 'Mul', 'Mul', 'Conv']);
    expect(after.types.get('m_evened')?.dims).toEqual(types.get('m')?.dims);
    const [then, now] = [await outputs(model, inputs), await outputs(after.model, inputs)];
    // Two products in place of one: a unit or two in the last of 24 bits.
    then.forEach((values, i) => {
      values.forEach((v, at) => {
        expect(now[i][at]).toBeCloseTo(v, 5);
      });
    });
  });

  it('are multiplied so that each channel has the whole range where weights are exact', async () => {
    const model = gated([8, 1], [1, 1]);
    const types = await typesOf(model);
    const gained = withGains(model, types, ['m']);
    const slot = topologyOf(gained.model, gained.types).slots.get('m_evened')!;
    const { min, max } = (await channelStats(gained.model, [slot], source(inputs), { limit: 8 })).get(
      'm_evened',
    )!;
    const [one, other] = max.map((high, c) => Math.max(high, -min[c]));
    const exact = grids(['m'], { weightSteps: 2 ** 20, symmetric: true });
    const [{ factors }] = await planGains(model, types, source(inputs), { grids: exact });
    expect(factors[1] / factors[0] / (one / other)).toBeCloseTo(1, 2);
  });

  it('are left alone where they are even already', async () => {
    const even = gated([1, 1], [1, 1]);
    expect(await planGains(even, await typesOf(even), source(inputs), { grids: grids(['m']) })).toEqual([]);
  });

  it('are left alone without evidence, and where a person names what is not there', async () => {
    const types = await typesOf(model);
    const made = { ...source(inputs), kind: 'synthetic' as const };
    expect(await planGains(model, types, made, { grids: grids(['m']) })).toEqual([]);
    // 800 values of each channel say too little of how far it reaches.
    expect(await planGains(model, types, source(inputs, 2), { grids: grids(['m']) })).toEqual([]);
    const stray = [{ tensors: ['z_evened'], factors: [1, 1], gainOf: 'z', reason: '' }];
    expect(misfit(model, types, stray)?.message).toMatch(/no value "z"/);
  });
});

describe('rescalings that a person has edited', () => {
  const { model } = CASES[0];
  it.each([
    ['an unknown tensor', [{ tensors: ['z'], factors: [1], reason: '' }], /no channels/],
    ['too few factors', [{ tensors: ['a'], factors: [1, 2], reason: '' }], /4 channels .* not 2/],
    ['a channel that is pinned', [{ tensors: ['y'], factors: [2, 1, 1, 1], reason: '' }], /channel 0 of "y"/],
    [
      'two factors for a channel',
      [
        { tensors: ['a'], factors: [2, 1, 1, 1], reason: '' },
        { tensors: ['r'], factors: [3, 1, 1, 1], reason: '' },
      ],
      /two factors, 2 and 3/,
    ],
  ])('%s', async (_, rescalings, message) => {
    expect(misfit(model, await typesOf(model), rescalings)?.message).toMatch(message);
  });
});
