import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routes } from '../../src/equalize/absorb/routes.js';
import { absorb, planAbsorptions, unfit } from '../../src/equalize/index.js';
import { channelStats } from '../../src/equalize/observe.js';
import { topologyOf } from '../../src/equalize/topology.js';
import type { Absorption } from '../../src/equalize/types.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Attribute, Model, Node, Tensor } from '../../src/ir/model.js';
import { floatTensor, floatValues } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { source } from '../emit/emitted.js';
import { conv, network } from '../plan/cases.js';
import { random } from '../prepare/helpers.js';
import { typesOf } from './networks.js';

const { int, ints, float, string } = makeAttribute;
const attributes = (...given: Attribute[]) => given;

/** Without padding. */
const plain = (x: string, w: string, y: string, bias?: string, ...more: Attribute[]): Node =>
  makeNode('Conv', [x, w, ...(bias ? [bias] : [])], [y], more);
const relu = (x: string, y: string): Node => makeNode('Relu', [x], [y]);

interface Case {
  name: string;
  /** Between what lifts its channels, `a` [1, 4, 6, 6], and the outputs. */
  nodes: Node[];
  initializers?: Tensor[];
  outputs?: string[];
}

/** From a convolution whose channels lie at 5, 9, 20 and 60. */
const lifted = ({ nodes, initializers = [], outputs = ['y'] }: Case): Model =>
  network({
    nodes: [plain('x', 'w', 'a', 'lift'), ...nodes],
    outputs,
    initializers: [
      random('w', [4, 4, 1, 1]),
      floatTensor('lift', [4], [5, 9, 20, 60]),
      random('one', [3, 4, 1, 1]),
      random('whole', [3, 4, 6, 6]),
      random('deep', [4, 1, 3, 3]),
      random('m', [4, 3]),
      random('tail', [3]),
      ...initializers,
    ],
  });

const PASSED: Case[] = [
  { name: 'a Relu to a 1×1 convolution', nodes: [relu('a', 'r'), plain('r', 'one', 'y')] },
  { name: 'no nonlinear operator', nodes: [plain('a', 'one', 'y', 'tail')] },
  { name: 'a convolution of three taps without padding', nodes: [relu('a', 'r'), plain('r', 'w1', 'y')] },
  {
    name: 'a depthwise convolution without padding',
    nodes: [relu('a', 'r'), plain('r', 'deep', 'y', undefined, int('group', 4))],
  },
  {
    name: 'a Clip from zero, a pool and a Gemm',
    nodes: [
      makeNode('Clip', ['a', 'zero', 'much'], ['r']),
      makeNode('GlobalAveragePool', ['r'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'm', 'tail'], ['y']),
    ],
    initializers: [floatTensor('zero', [], [0]), floatTensor('much', [], [100])],
  },
  {
    name: 'every place of its map in a Gemm',
    nodes: [relu('a', 'r'), makeNode('Flatten', ['r'], ['f']), makeNode('Gemm', ['f', 'long'], ['y'])],
    initializers: [random('long', [144, 3])],
  },
  {
    name: 'a join, pools and a product with an addend',
    nodes: [
      relu('a', 'r'),
      plain('x', 'w', 'b'),
      makeNode('Concat', ['b', 'r'], ['j'], [int('axis', 1)]),
      makeNode('MaxPool', ['j'], ['k'], [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])]),
      makeNode('AveragePool', ['k'], ['q'], [ints('kernel_shape', [2, 2]), ints('pads', [1, 1, 0, 0])]),
      makeNode('Transpose', ['q'], ['t'], [ints('perm', [0, 2, 3, 1])]),
      makeNode('MatMul', ['t', 'm8'], ['u']),
      makeNode('Add', ['u', 'tail'], ['y']),
    ],
    initializers: [random('m8', [8, 3])],
  },
  {
    name: 'readers of all kinds, one of them by a bias that another layer has too',
    nodes: [
      makeNode('LeakyRelu', ['a'], ['r']),
      plain('r', 'one', 'y', 'tail'),
      plain('x', 'one', 'z', 'tail'),
      plain('r', 'whole', 'v'),
    ],
    outputs: ['y', 'z', 'v'],
  },
];

const REFUSED: Case[] = [
  { name: 'zeros that pad a convolution', nodes: [relu('a', 'r'), conv('r', 'w1', 'y')] },
  {
    name: 'one reader of two that pads',
    nodes: [relu('a', 'r'), plain('r', 'one', 'y'), conv('r', 'w1', 'z')],
    outputs: ['y', 'z'],
  },
  {
    name: 'padding that the operator chooses',
    nodes: [relu('a', 'r'), plain('r', 'w1', 'y', undefined, string('auto_pad', 'SAME_UPPER'))],
  },
  {
    name: 'a residual sum',
    nodes: [relu('a', 'r'), makeNode('Add', ['r', 'x'], ['s']), plain('s', 'one', 'y')],
  },
  { name: 'an output of the graph', nodes: [relu('a', 'r'), plain('r', 'one', 'y')], outputs: ['y', 'r'] },
  { name: 'an operator that bends it', nodes: [makeNode('Tanh', ['a'], ['r']), plain('r', 'one', 'y')] },
  {
    name: 'a gate',
    nodes: [makeNode('Sigmoid', ['a'], ['g']), makeNode('Mul', ['a', 'g'], ['r']), plain('r', 'one', 'y')],
  },
  {
    name: 'a Clip from below zero',
    nodes: [makeNode('Clip', ['a', 'low'], ['r']), plain('r', 'one', 'y')],
    initializers: [floatTensor('low', [], [-1])],
  },
  {
    name: 'a mean that counts padding',
    nodes: [
      makeNode(
        'AveragePool',
        ['a'],
        ['r'],
        [
          ...attributes(
            ints('kernel_shape', [3, 3]),
            ints('pads', [1, 1, 1, 1]),
            int('count_include_pad', 1),
          ),
        ],
      ),
      plain('r', 'one', 'y'),
    ],
  },
  {
    name: 'a transposed convolution, which sees less at the edges',
    nodes: [relu('a', 'r'), makeNode('ConvTranspose', ['r', 'w1'], ['y'])],
  },
  {
    name: 'a product that scales its bias',
    nodes: [
      makeNode('GlobalMaxPool', ['a'], ['p']),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'm', 'tail'], ['y'], [float('beta', 0.5)]),
    ],
  },
  {
    name: 'a product without a bias behind it',
    nodes: [makeNode('Flatten', ['a'], ['f']), makeNode('MatMul', ['f', 'long'], ['y'])],
    initializers: [random('long', [144, 3])],
  },
];

const inputs = { x: [1, 4, 6, 6] };
const settings = (...tensors: string[]) => ({
  grids: { quantized: new Set(tensors), symmetric: false },
  spreads: new Map(),
});

async function outputs(model: Model): Promise<Float32Array[]> {
  const session = await openModel(model);
  const found: Float32Array[] = [];
  for await (const { feeds } of source(inputs).samples())
    for (const { data } of Object.values(await session.run(feeds))) found.push(data as Float32Array);
  await session.release();
  return found;
}

/** Equal but for rounding: sums of up to a thousand products of numbers up to `size`, in float32 (2⁻²⁴ a product). */
async function expectEqual(before: Model, after: Model, size: number): Promise<void> {
  const [then, now] = [await outputs(before), await outputs(after)];
  then.forEach((values, i) => {
    values.forEach((v, at) => {
      expect(Math.abs(v - now[i][at])).toBeLessThanOrEqual(size * 1000 * 2 ** -24);
    });
  });
}

describe('what lifts whole channels moves to the biases behind', () => {
  it.each(PASSED)('$name', async (given) => {
    const model = lifted(given);
    const types = await typesOf(model);
    const quantized = given.nodes.map((node) => node.outputs[0]);
    const [entry, ...others] = await planAbsorptions(
      model,
      types,
      source(inputs),
      settings('a', ...quantized),
    );
    expect(others).toEqual([]);
    expect(entry.tensor).toBe('a');
    expect(unfit(model, types, [entry])).toBeUndefined();
    const after = absorb(model, types, [entry]);
    const lift = after.graph.initializers.find((t) => t.name === 'lift')!;
    expect(floatValues(lift)[3]).toBeCloseTo(60 - entry.offsets[3], 4);
    expect(Math.abs(floatValues(lift)[3])).toBeLessThan(12);
    await expectEqual(model, after, 60);
  });

  it.each(REFUSED)('not through $name', async (given) => {
    const model = lifted(given);
    const types = await typesOf(model);
    expect(routes(model, types, topologyOf(model, types)).has('a')).toBe(false);
    const offsets = [1, 1, 1, 1];
    expect(unfit(model, types, [{ tensor: 'a', offsets, reason: '' }])?.message).toMatch(/"a" has no bias/);
  });
});

/** One value in sixteen is 1, one is −1, all others are 0: a mean of 0 and a deviation of √⅛. */
const peaks = {
  ...source({ x: [1, 1, 4, 4] }, 1),
  async *samples() {
    const data = Float32Array.of(1, -1, ...Array(14).fill(0));
    yield { id: 'peaks', index: 0, feeds: { x: { dtype: 'float32' as const, dims: [1, 1, 4, 4], data } } };
  },
};

const two = (high?: number) =>
  network({
    inputs: { x: [1, 1, 4, 4] },
    nodes: [
      plain('x', 'w', 'a', 'b'),
      high === undefined ? relu('a', 'r') : makeNode('Clip', ['a', 'zero', 'high'], ['r']),
      plain('r', 'v', 'y'),
    ],
    outputs: ['y'],
    initializers: [
      ...[floatTensor('w', [2, 1, 1, 1], [1, 1]), floatTensor('b', [2], [8, 0.5])],
      ...[floatTensor('v', [1, 2, 1, 1], [2, 3]), floatTensor('zero', [], [0])],
      floatTensor('high', [], [high ?? 0]),
    ],
  });

describe('known answers', () => {
  it('the range falls by exactly the least value of the channel that sets it', async () => {
    const model = two();
    const types = await typesOf(model);
    const [entry] = await planAbsorptions(model, types, peaks, settings('r'));
    // The lesser of what was seen, 8 − 1 = 7, and of β − 3γ = 8 − 3·√⅛ = 6.9393, rounded down to four digits.
    expect(entry.offsets).toEqual([6.939, 0]);
    const after = absorb(model, types, [entry]);
    const ranges = async (m: Model) => {
      const slot = topologyOf(m, types).slots.get('r')!;
      return (await channelStats(m, [slot], peaks, { limit: 1 })).get('r')!.max;
    };
    const [before, now] = [await ranges(model), await ranges(after)];
    expect([...before]).toEqual([9, 1.5]);
    expect(now[0]).toBeCloseTo(9 - 6.939, 5);
    expect(now[1]).toBe(1.5);
    const constants = new Map(after.graph.initializers.map((t) => [t.name, floatValues(t)]));
    expect(constants.get('b')![0]).toBeCloseTo(8 - 6.939, 6);
    expect(constants.get('y_bias')![0]).toBeCloseTo(2 * 6.939, 5);
  });

  it.each([
    ['has room below a Clip’s bound', 10.1, [6.939, 0]],
    ['comes within a tenth of it', 9.9, undefined],
  ])('a channel that %s', async (_, high, offsets) => {
    const model = two(high);
    const [entry] = await planAbsorptions(model, await typesOf(model), peaks, settings('r'));
    expect(entry?.offsets).toEqual(offsets);
  });

  it('without evidence goes by what folded normalisations say: max(0, β − 3γ)', async () => {
    const model = two();
    const made = { ...peaks, kind: 'synthetic' as const };
    const spreads = new Map([['a', { mean: Float64Array.of(8, 0.5), deviation: Float64Array.of(1, 1) }]]);
    const types = await typesOf(model);
    const [entry] = await planAbsorptions(model, types, made, { ...settings('r'), spreads });
    expect(entry.offsets).toEqual([5, 0]);
    expect(await planAbsorptions(model, types, made, settings('r'))).toEqual([]);
  });

  it('leaves alone what is not rounded, and ranges that another channel sets', async () => {
    const model = two();
    const types = await typesOf(model);
    expect(await planAbsorptions(model, types, peaks, settings('y'))).toEqual([]);
    const loud = two();
    loud.graph.initializers[0] = floatTensor('w', [2, 1, 1, 1], [1, 20]);
    expect(await planAbsorptions(loud, types, peaks, settings('r'))).toEqual([]);
  });
});

it('never widens a range and computes what it did, whatever the biases', async () => {
  const cases = fc.constantFrom(...PASSED);
  const biases = fc.array(fc.float({ min: -40, max: 80, noNaN: true }), { minLength: 4, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(cases, biases, async (given, bias) => {
      const model = lifted(given);
      model.graph.initializers[1] = floatTensor('lift', [4], bias);
      const types = await typesOf(model);
      const quantized = given.nodes.map((node) => node.outputs[0]);
      const found = await planAbsorptions(model, types, source(inputs), settings('a', ...quantized));
      const after = absorb(model, types, found);
      await expectEqual(model, after, 80);
      const slots = [...topologyOf(model, types).slots.values()].filter((s) => ['a', 'r'].includes(s.tensor));
      const width = async (m: Model, { tensor }: { tensor: string }) => {
        const { min, max } = (await channelStats(m, slots, source(inputs), { limit: 8 })).get(tensor)!;
        const high = Math.max(0, ...max);
        return tensor === 'r' || given.nodes[0].opType !== 'Conv' ? high : high - Math.min(0, ...min);
      };
      for (const slot of slots)
        expect(await width(after, slot)).toBeLessThanOrEqual((await width(model, slot)) * (1 + 1e-6));
    }),
    { numRuns: 12, seed: 1 },
  );
});

describe('absorptions that a person has edited', () => {
  const model = lifted(PASSED[0]);
  const entry = (tensor: string, offsets: number[]): Absorption => ({ tensor, offsets, reason: '' });
  it.each([
    ['an unknown value', entry('z', [1]), /"z" has no bias/],
    ['too few offsets', entry('a', [1, 2]), /4 channels, not 2/],
    ['an offset that a Relu does not pass', entry('a', [0, -1, 0, 0]), /channel 1 of "a"/],
  ])('%s', async (_, given, message) => {
    expect(unfit(model, await typesOf(model), [given])?.message).toMatch(message);
  });
});
