import { describe, expect, it } from 'vitest';
import { attribute, links, makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { encodeModel } from '../../src/onnx/index.js';
import { openModel } from '../../src/runtime/index.js';
import { addSums, emptySums, sqnrDb } from '../../src/verify/errorsums.js';
import { conv, network, type Shape } from '../plan/cases.js';
import { graph, random, value } from '../prepare/helpers.js';
import { emitted, source } from './emitted.js';

const IMAGE = { x: [1, 4, 6, 6] };

interface Case extends Shape {
  name: string;
  target?: string;
  scheme?: string;
}

const residual = [
  conv('x', 'w1', 'c1', 'b1'),
  makeNode('Relu', ['c1'], ['r1']),
  conv('r1', 'w2', 'c2', 'b2'),
  makeNode('Add', ['c2', 'r1'], ['a']),
  conv('a', 'w3', 'y', 'b3'),
];

const CASES: Case[] = [
  { name: 'convolutions with a residual', nodes: residual, outputs: ['y'] },
  { name: 'the same for the Neural Engine', nodes: residual, outputs: ['y'], target: 'ane' },
  { name: 'the same with symmetric grids', nodes: residual, outputs: ['y'], target: 'h100' },
  { name: 'the same with one scale a tensor', nodes: residual, outputs: ['y'], scheme: 'int8-perlayer' },
  { name: 'the same with unsigned weights', nodes: residual, outputs: ['y'], scheme: 'uint8-perchannel' },
  { name: 'the same, weights only', nodes: residual, outputs: ['y'], scheme: 'int8-float-perchannel' },
  {
    name: 'weights and bias that two nodes share',
    nodes: [conv('x', 'w1', 'c', 'b1'), conv('c', 'w1', 'y', 'b1')],
    outputs: ['y'],
  },
  {
    name: 'an output of the model that a convolution reads',
    nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')],
    outputs: ['c', 'y'],
  },
  {
    name: 'Concat, MaxPool and a Gemm behind them',
    nodes: [
      conv('x', 'w1', 'p'),
      conv('x', 'w2', 'q'),
      makeNode('Concat', ['p', 'q'], ['j'], [makeAttribute.int('axis', 1)]),
      makeNode('MaxPool', ['j'], ['m'], [makeAttribute.ints('kernel_shape', [6, 6])]),
      makeNode('Flatten', ['m'], ['f']),
      makeNode('Gemm', ['f', 'g', 'h'], ['y']),
    ],
    initializers: [random('g', [8, 3]), random('h', [3])],
    outputs: ['y'],
  },
  {
    name: 'a Clip whose lower bound is above zero keeps its meaning',
    nodes: [conv('x', 'w1', 'c'), makeNode('Clip', ['c', 'low', 'high'], ['k']), conv('k', 'w2', 'y')],
    initializers: [random('low', [], 1, 1.5), random('high', [], 1, 6)],
    outputs: ['y'],
  },
];

async function outputs(
  model: Model,
  optimize: 'all' | 'disabled',
  samples = source(IMAGE),
): Promise<Float32Array[]> {
  const session = await openModel(model, { optimize, threads: 1 });
  const found: Float32Array[] = [];
  for await (const { feeds } of samples.samples())
    found.push(...Object.values(await session.run(feeds)).map((v) => v.data as Float32Array));
  await session.release();
  return found;
}

const decibels = (a: Float32Array[], b: Float32Array[]): number => {
  const sums = emptySums();
  for (const [i, x] of a.entries()) addSums(sums, x, b[i]);
  return sqnrDb(sums) ?? 200;
};

describe('emitQdq', () => {
  it.each(CASES)('$name: what onnxruntime runs, near the float model, optimised or not', async (c) => {
    const float = network(c);
    const { model } = await emitted(float, source(IMAGE), c);
    const plain = await outputs(model, 'disabled');
    // Three roundings of 8 bits in a row leave about 40 dB each; one whole bit lost would be 6 dB less.
    expect(decibels(await outputs(float, 'disabled'), plain)).toBeGreaterThan(28);
    // Integer kernels round ties of sums differently by one step at most: far below the rounding itself.
    expect(decibels(plain, await outputs(model, 'all'))).toBeGreaterThan(34);
  });

  it.each(CASES)('$name: the same bytes twice, and no node lost', async (c) => {
    const float = network(c);
    const [first, second] = [await emitted(float, source(IMAGE), c), await emitted(float, source(IMAGE), c)];
    expect(Buffer.compare(encodeModel(first.model), encodeModel(second.model))).toBe(0);
    const left = first.model.graph.nodes.filter((n) => !/^(De)?[Qq]uantizeLinear/.test(n.opType));
    expect(left.map((n) => n.opType)).toEqual(float.graph.nodes.map((n) => n.opType));
  });

  it.each(['int2-a8-perchannel', 'uint2-a8-perchannel', 'int2-a4-perchannel', 'int4-a4-perchannel'])(
    '%s: narrow weights between pairs, which onnxruntime makes no kernels of',
    async (scheme) => {
      const chain = ['w1', 'w2', 'w3', 'w4'].map((w, i) => conv(`v${i}`, w, `v${i + 1}`));
      const float = network({ nodes: chain, inputs: { v0: IMAGE.x }, outputs: ['v4'] });
      const samples = source({ v0: IMAGE.x });
      const { model, plan } = await emitted(
        { ...float, opsetImports: [{ domain: '', version: 25 }] },
        samples,
        {
          scheme,
        },
      );
      const two = scheme.includes('int2') ? 'nibbles' : 'linear';
      expect(plan.weights.map((w) => w.form)).toEqual(['linear', two, two, 'linear']);
      const run = (optimize: 'all' | 'disabled') => outputs(model, optimize, samples);
      expect(decibels(await run('disabled'), await run('all'))).toBeGreaterThan(34);
    },
  );

  it('stores weights as int8 per channel with the axis written, and biases as int32', async () => {
    const { model } = await emitted(network({ nodes: residual, outputs: ['y'] }), source(IMAGE));
    const { producer, initializer } = links(model.graph);
    const first = model.graph.nodes.find((n) => n.name === 'c1')!;
    const [weight, bias] = [producer.get(first.inputs[1])!, producer.get(first.inputs[2])!];
    expect([weight.opType, attribute(weight, 'axis')?.i, initializer.get(weight.inputs[1])?.dims]).toEqual([
      'DequantizeLinear',
      0n,
      [4],
    ]);
    expect(initializer.get(weight.inputs[0])?.dataType).toBe(3);
    expect(initializer.get(bias.inputs[0])?.dataType).toBe(6);
    expect(initializer.has('w1')).toBe(false);
    expect(model.graph.outputs.map((o) => o.name)).toEqual(['y']);
  });

  it('lets a float node read what a float node made, and the rounded view of what an integer one made', async () => {
    const nodes = [
      makeNode('Exp', ['x'], ['e']),
      makeNode('Sin', ['e'], ['s']),
      conv('e', 'w1', 'c'),
      makeNode('Cos', ['c'], ['o']),
      conv('c', 'w2', 'y'),
    ];
    const { model } = await emitted(network({ nodes, outputs: ['s', 'o', 'y'] }), source(IMAGE));
    const reads = (name: string) => model.graph.nodes.find((n) => n.name === name)!.inputs[0];
    expect(reads('s')).toBe('e');
    expect(reads('c')).toBe('e_dequantized');
    expect(reads('o')).toBe('c_dequantized');
  });

  it('dequantizes weights inside the body that reads them', async () => {
    const body = graph({
      nodes: [{ ...makeNode('MatMul', ['x', 'inner'], ['t']), name: 't' }],
      initializers: [random('inner', [6, 6])],
      outputs: [value('t', undefined)],
    });
    const other = graph({ nodes: [makeNode('Identity', ['x'], ['u'])], outputs: [value('u', undefined)] });
    const branch = makeNode(
      'If',
      ['yes'],
      ['y'],
      [makeAttribute.graph('then_branch', body), makeAttribute.graph('else_branch', other)],
    );
    const float = network({ nodes: [branch], outputs: ['y'] });
    float.graph.initializers.push({
      name: 'yes',
      dims: [],
      dataType: 9,
      rawData: Uint8Array.of(1),
      externalData: [],
      metadata: [],
    });
    const { model, plan } = await emitted(float, source(IMAGE));
    const inner = attribute(model.graph.nodes.find((n) => n.opType === 'If')!, 'then_branch')!.g!;
    expect(inner.nodes.map((n) => n.opType)).toEqual(['DequantizeLinear', 'MatMul']);
    expect(inner.initializers.map((t) => t.name)).not.toContain('inner');
    expect(plan.weights.map((w) => [w.tensor, w.weightOnly])).toEqual([['inner', true]]);
    expect(decibels(await outputs(float, 'disabled'), await outputs(model, 'disabled'))).toBeGreaterThan(35);
  });
});
