import { describe, expect, it } from 'vitest';
import { dtypeName } from '../../src/ir/dtypes.js';
import { isOp, links, makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, Node } from '../../src/ir/model.js';
import { floatTensor, floatValues } from '../../src/ir/tensor.js';
import { lint } from '../../src/lint/index.js';
import { scaleQueries } from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import { emitted, source } from '../emit/emitted.js';
import { random, value } from '../prepare/helpers.js';
import { network, type Shape } from './cases.js';

const conv = (x: string, w: string, y: string, bias?: string, group = 1): Node =>
  makeNode(
    'Conv',
    [x, w, ...(bias ? [bias] : [])],
    [y],
    [makeAttribute.ints('pads', [1, 1, 1, 1]), makeAttribute.int('group', group)],
  );
const filters = (...names: string[]) => names.map((n, i) => random(n, [32, 32, 3, 3], i));

/** A block as residual networks and mobile ones have it, two branches that are joined, and a head. */
const VISION: Shape = {
  inputs: { x: [1, 32, 6, 6] },
  outputs: ['y'],
  nodes: [
    conv('x', 'k1', 'c1', 'b'),
    makeNode('Relu', ['c1'], ['r']),
    conv('r', 'depthwise', 'd', undefined, 32),
    conv('d', 'k2', 'c2'),
    makeNode('Add', ['c2', 'r'], ['a']),
    conv('a', 'k3', 'p'),
    makeNode('Concat', ['p', 'a'], ['j'], [makeAttribute.int('axis', 1)]),
    conv('j', 'k4', 'y'),
  ],
  initializers: [
    ...filters('k1', 'k2', 'k3'),
    random('k4', [32, 64, 3, 3]),
    random('depthwise', [32, 1, 3, 3]),
    random('b', [32]),
  ],
};

/** One head of attention that scales its scores. */
const ATTENTION: Shape = {
  inputs: { q: [2, 24, 32], k: [2, 24, 32], v: [2, 24, 32] },
  outputs: ['y'],
  nodes: [
    makeNode('Transpose', ['k'], ['t'], [makeAttribute.ints('perm', [0, 2, 1])]),
    makeNode('MatMul', ['q', 't'], ['scores']),
    makeNode('Div', ['scores', 'root'], ['scaled']),
    makeNode('Softmax', ['scaled'], ['soft'], [makeAttribute.int('axis', 2)]),
    makeNode('MatMul', ['soft', 'v'], ['y']),
  ],
  initializers: [floatTensor('root', [], [5.5])],
};

async function forH100(shape: Shape, scheme: string) {
  const made = network(shape);
  made.opsetImports[0].version = 21;
  scaleQueries(made);
  return emitted(made, source(shape.inputs!), { target: 'h100', scheme });
}

/** What the sides of a node are: the value that is rounded for it, or the value itself. */
const reads = (model: Model, name: string): string[] => {
  const { producer } = links(model.graph);
  return model.graph.nodes
    .find((n) => n.name === name)!
    .inputs.slice(0, 2)
    .map((input) => {
      const dq = producer.get(input);
      if (!isOp(dq, 'DequantizeLinear')) return input;
      return `Q ${producer.get(dq.inputs[0])?.inputs[0] ?? 'weight'}`;
    });
};

const PLACED: [what: string, shape: Shape, scheme: string, node: string, reads: string[]][] = [
  ['a convolution', VISION, 'fp8-perchannel', 'c1', ['Q x', 'Q weight']],
  ['its ReLU, with nothing before it', VISION, 'fp8-perchannel', 'r', ['c1']],
  ['a depthwise one in FP8', VISION, 'fp8-perchannel', 'd', ['r', 'depthwise']],
  ['a depthwise one in int8', VISION, 'int8-perchannel', 'd', ['Q r', 'Q weight']],
  ['a residual sum', VISION, 'fp8-perchannel', 'a', ['c2', 'Q r']],
  ['a Concat', VISION, 'fp8-perchannel', 'j', ['p', 'a']],
  ['the first product of attention', ATTENTION, 'fp8-perchannel', 'scores', ['Q q_scaled', 'Q t']],
  ['the second', ATTENTION, 'fp8-perchannel', 'y', ['Q soft', 'Q v']],
  ['the Softmax', ATTENTION, 'fp8-perchannel', 'soft', ['scaled']],
];

describe('pairs for TensorRT', () => {
  it.each(PLACED)('%s', async (_, shape, scheme, node, expected) => {
    const { model } = await forH100(shape, scheme);
    expect(reads(model, node)).toEqual(expected);
  });

  it.each([
    [VISION, 'int8-perchannel', 'int8'],
    [VISION, 'fp8-perlayer', 'float8e4m3fn'],
    [ATTENTION, 'fp8-perchannel', 'float8e4m3fn'],
  ] as const)('break no rule, and hold real codes: %#', async (shape, scheme, dtype) => {
    const { model, plan } = await forH100(shape, scheme);
    expect(lint(model, 'tensorrt')).toEqual([]);
    const zeros = new Set(model.graph.nodes.filter((n) => isOp(n, 'QuantizeLinear')).map((n) => n.inputs[2]));
    const types = model.graph.initializers
      .filter((t) => zeros.has(t.name!))
      .map((t) => dtypeName(t.dataType));
    expect(new Set(types)).toEqual(new Set([dtype]));
    expect(plan.placement).toBe('tensorrt');
    const bias = model.graph.initializers.find((t) => t.name?.startsWith('b_corrected') || t.name === 'b');
    if (shape === VISION) expect(dtypeName(bias?.dataType)).toBe('float32');
  });

  it('give Softmax the scale of the largest code, and what is joined one scale', async () => {
    const scaleOf = async (shape: Shape, tensor: string) =>
      (await forH100(shape, 'fp8-perchannel')).plan.activations.find((a) => a.tensor === tensor)?.scale;
    expect(await scaleOf(ATTENTION, 'soft')).toBe(Math.fround(1 / 448));
    expect(await scaleOf(VISION, 'a')).toBe(await scaleOf(VISION, 'j'));
  });

  it.each([
    [1, 'one sample', 'f'],
    ['N', 'as many samples as come', 'Q f'],
  ] as const)('take a product of vectors for a batch of %s: %s', async (batch, _, expected) => {
    const shape: Shape = {
      inputs: { x: [1, 32, 6, 6] },
      outputs: ['y'],
      nodes: [makeNode('Flatten', ['x'], ['f']), makeNode('MatMul', ['f', 'm'], ['y'])],
      initializers: [random('m', [1152, 16])],
    };
    const made = network(shape);
    made.opsetImports[0].version = 21;
    made.graph.inputs = [value('x', [batch, 32, 6, 6])];
    const options = { target: 'h100', scheme: 'fp8-perchannel' };
    const { model } = await emitted(made, source(shape.inputs!), options);
    expect(reads(model, 'y')[0]).toBe(expected);
  });

  it('leave weights of 4 bits to products of matrices', async () => {
    const shape: Shape = {
      inputs: { x: [1, 32, 6, 6] },
      outputs: ['y'],
      nodes: [conv('x', 'k1', 'c'), makeNode('Flatten', ['c'], ['f']), makeNode('MatMul', ['f', 'm'], ['y'])],
      initializers: [...filters('k1'), random('m', [1152, 10])],
    };
    const { model, plan } = await forH100(shape, 'int4-block128');
    expect(plan.weights.map((w) => w.tensor)).toEqual(['m']);
    expect(lint(model, 'tensorrt')).toEqual([]);
  });
});

describe('scaleQueries', () => {
  it('moves the factor before the product and changes nothing else', async () => {
    const before = network(ATTENTION);
    const after = network(ATTENTION);
    expect(scaleQueries(after)).toBe(1);
    expect(after.graph.nodes.map((n) => n.opType)).toEqual([
      'Transpose',
      'Div',
      'MatMul',
      'Softmax',
      'MatMul',
    ]);
    const results: Float32Array[] = [];
    for (const m of [before, after]) {
      const session = await openModel(m, { threads: 1 });
      for await (const { feeds } of source(ATTENTION.inputs!, 1).samples())
        results.push((await session.run(feeds)).y.data as Float32Array);
      await session.release();
    }
    // float32 rounding of sums of 32 products.
    const worst = results[0].reduce((most, v, i) => Math.max(most, Math.abs(v - results[1][i])), 0);
    expect(worst).toBeLessThan(1e-5);
    expect(floatValues(after.graph.initializers[0])[0]).toBe(5.5);
  });
});
