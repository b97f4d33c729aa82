import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { shareScales } from '../../src/plan/activations.js';
import { decideFlow } from '../../src/plan/flow.js';
import { random } from '../prepare/helpers.js';
import { conv, input, network, type Shape } from './cases.js';

interface Case extends Shape {
  name: string;
  target?: string;
  scheme?: string;
  keepFloat?: string[];
  quantized: string[];
  integer: string[];
}

const CASES: Case[] = [
  {
    name: 'a chain of convolutions: the last one’s output stays float',
    nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')],
    outputs: ['y'],
    quantized: ['x', 'c'],
    integer: ['c', 'y'],
  },
  {
    name: 'a Relu alone behind a convolution is fused: only its output is rounded',
    nodes: [conv('x', 'w1', 'c'), makeNode('Relu', ['c'], ['r']), conv('r', 'w2', 'y')],
    outputs: ['y'],
    quantized: ['x', 'r'],
    integer: ['c', 'r', 'y'],
  },
  {
    name: 'a convolution that two nodes read is rounded itself',
    nodes: [
      conv('x', 'w1', 'c'),
      makeNode('Relu', ['c'], ['r']),
      makeNode('Add', ['c', 'r'], ['a']),
      conv('a', 'w2', 'y'),
    ],
    outputs: ['y'],
    quantized: ['x', 'c', 'r', 'a'],
    integer: ['c', 'r', 'a', 'y'],
  },
  {
    name: 'a residual Add joins when both sides are quantized and a convolution follows',
    nodes: [conv('x', 'w1', 'c'), makeNode('Add', ['c', 'x'], ['a']), conv('a', 'w2', 'y')],
    outputs: ['y'],
    quantized: ['x', 'c', 'a'],
    integer: ['c', 'a', 'y'],
  },
  {
    name: 'with activations of 4 bits a residual Add stays float, and only what convolutions read is rounded',
    nodes: [conv('x', 'w1', 'c'), makeNode('Add', ['c', 'x'], ['a']), conv('a', 'w2', 'y')],
    outputs: ['y'],
    scheme: 'int4-a4-perchannel',
    quantized: ['x', 'a'],
    integer: ['c', 'y'],
  },
  {
    name: 'an Add that only leads to the output stays float, and so does what feeds only it',
    nodes: [conv('x', 'w1', 'c'), makeNode('Add', ['c', 'x'], ['y'])],
    outputs: ['y'],
    quantized: ['x'],
    integer: ['c'],
  },
  {
    name: 'an Add with a constant stays float; the convolution behind it rounds its result',
    nodes: [conv('x', 'w1', 'c'), makeNode('Add', ['c', 'k'], ['a']), conv('a', 'w2', 'y')],
    initializers: [random('k', [1, 4, 1, 1])],
    outputs: ['y'],
    quantized: ['x', 'c', 'a'],
    integer: ['c', 'y'],
  },
  {
    name: 'pooling and reshaping in front of a Gemm move codes',
    nodes: [
      conv('x', 'w1', 'c'),
      makeNode('MaxPool', ['c'], ['p'], [makeAttribute.ints('kernel_shape', [6, 6])]),
      makeNode('Flatten', ['p'], ['f']),
      makeNode('Gemm', ['f', 'g'], ['y']),
    ],
    initializers: [random('g', [4, 3])],
    outputs: ['y'],
    quantized: ['x', 'c', 'p', 'f'],
    integer: ['c', 'p', 'f', 'y'],
  },
  {
    name: 'attention: both operands of a MatMul, the Softmax between in float',
    inputs: { q: [2, 4, 8], k: [2, 8, 4], v: [2, 4, 8] },
    nodes: [
      makeNode('MatMul', ['q', 'k'], ['s']),
      makeNode('Softmax', ['s'], ['p'], [makeAttribute.int('axis', -1)]),
      makeNode('MatMul', ['p', 'v'], ['y']),
    ],
    outputs: ['y'],
    target: 'ane',
    quantized: ['q', 'k', 'p', 'v'],
    integer: ['s', 'y'],
  },
  {
    name: 'a node kept in float does not want its input quantized',
    nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')],
    outputs: ['y'],
    keepFloat: ['y'],
    quantized: ['x'],
    integer: ['c'],
  },
  {
    name: 'weight-only: no activation is touched',
    nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')],
    outputs: ['y'],
    scheme: 'int8-float-perchannel',
    quantized: [],
    integer: [],
  },
  {
    name: 'weights computed at run time keep the convolution in float',
    inputs: { x: [1, 4, 6, 6], v: [4, 4, 3, 3] },
    nodes: [conv('x', 'v', 'y')],
    outputs: ['y'],
    quantized: [],
    integer: [],
  },
  {
    name: 'an output of the model is never rounded, though a convolution reads it too',
    nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')],
    outputs: ['c', 'y'],
    quantized: ['x', 'c'],
    integer: ['c', 'y'],
  },
];

describe('decideFlow', () => {
  it.each(CASES)('$name', async (c) => {
    const flow = decideFlow(await input(network(c), c));
    expect([...flow.quantized].sort()).toEqual([...c.quantized].sort());
    expect([...flow.integer].map((n) => n.name).sort()).toEqual([...c.integer].sort());
    for (const node of flow.graph.nodes)
      expect(
        flow.integer.has(node) || flow.refused.has(node) || c.scheme?.includes('float'),
        `reason for ${node.name}`,
      ).toBe(true);
  });
});

describe('shareScales', () => {
  it('ties the inputs and the output of a Concat, and what is moved behind it', async () => {
    const m = network({
      nodes: [
        conv('x', 'w1', 'a'),
        conv('x', 'w2', 'b'),
        makeNode('Concat', ['a', 'b'], ['j'], [makeAttribute.int('axis', 1)]),
        makeNode('Reshape', ['j', 's'], ['r']),
        makeNode('Conv', ['r', 'big'], ['y']),
      ],
      initializers: [int64Tensor('s', [4], [1, 8, 6, 6]), random('big', [4, 8, 1, 1])],
      outputs: ['y'],
    });
    const shared = shareScales(decideFlow(await input(m)));
    expect(new Set(['a', 'b', 'j', 'r'].map((t) => shared.get(t))).size).toBe(1);
    expect(shared.get('x')).toBe('x');
  });
});
