import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { inferTypes } from '../../src/prepare/index.js';
import type { ValueMeta } from '../../src/runtime/types.js';
import { conv, network } from '../plan/cases.js';
import { random } from '../prepare/helpers.js';

const depthwise = (x: string, w: string, y: string) =>
  makeNode('Conv', [x, w], [y], [makeAttribute.ints('pads', [1, 1, 1, 1]), makeAttribute.int('group', 4)]);

/** The bounds of a Clip: two scalar constants. */
const bounds = (low: number, high: number) => [
  floatTensor('low', [], [low]),
  floatTensor('high', [], [high]),
];
const lastAxis = [makeAttribute.int('axis', -1)];

export interface Case {
  name: string;
  model: Model;
  inputs: Record<string, number[]>;
  /** Values with channels that may be rescaled. */
  free: string[];
}

const image = { x: [1, 4, 6, 6] };
const tokens = { x: [1, 3, 8] };

/** Networks of each form that channels can be rescaled through, and some through which they cannot. */
export const CASES: Case[] = [
  {
    name: 'a chain through Relu',
    inputs: image,
    free: ['a', 'r'],
    model: network({
      nodes: [conv('x', 'w1', 'a', 'b1'), makeNode('Relu', ['a'], ['r']), conv('r', 'w2', 'y', 'b2')],
      outputs: ['y'],
    }),
  },
  {
    name: 'a depthwise triple through LeakyRelu and PRelu',
    inputs: image,
    free: ['a', 'l', 'd', 'p'],
    model: network({
      nodes: [
        conv('x', 'w1', 'a', 'b1'),
        makeNode('LeakyRelu', ['a'], ['l']),
        depthwise('l', 'dw', 'd'),
        makeNode('PRelu', ['d', 'slope'], ['p']),
        conv('p', 'w2', 'y'),
      ],
      outputs: ['y'],
      initializers: [random('dw', [4, 1, 3, 3]), random('slope', [4, 1, 1])],
    }),
  },
  {
    name: 'a residual sum, with a shared weight',
    inputs: image,
    free: ['a', 'r', 'c', 's'],
    model: network({
      nodes: [
        conv('x', 'w1', 'a'),
        makeNode('Relu', ['a'], ['r']),
        conv('r', 'w1', 'h'),
        makeNode('Sigmoid', ['h'], ['g']),
        conv('g', 'w2', 'c', 'b1'),
        makeNode('Add', ['a', 'c'], ['s']),
        conv('s', 'w3', 'y'),
      ],
      outputs: ['y'],
    }),
  },
  {
    name: 'a Clip from above, pooled and flattened into a Gemm',
    inputs: image,
    free: ['a', 'k', 'q', 'f'],
    model: network({
      nodes: [
        conv('x', 'w1', 'a', 'b1'),
        makeNode('Clip', ['a', 'low', 'high'], ['k']),
        makeNode('AveragePool', ['k'], ['q'], [makeAttribute.ints('kernel_shape', [2, 2])]),
        makeNode('Flatten', ['q'], ['f']),
        makeNode('Gemm', ['f', 'm'], ['y']),
      ],
      outputs: ['y'],
      initializers: [...bounds(0, 1e9), random('m', [100, 3])],
    }),
  },
  {
    name: 'a join of two convolutions',
    inputs: image,
    free: ['a', 'c', 'j'],
    model: network({
      nodes: [
        conv('x', 'w1', 'a'),
        conv('x', 'w2', 'c'),
        makeNode('Concat', ['a', 'c'], ['j'], [makeAttribute.int('axis', 1)]),
        conv('j', 'wide', 'y'),
      ],
      outputs: ['y'],
      initializers: [random('wide', [4, 8, 3, 3])],
    }),
  },
  {
    name: 'a gate that keeps its own scale, and an addend for all channels',
    inputs: image,
    free: ['a', 'g', 's'],
    model: network({
      nodes: [
        conv('x', 'w1', 'a'),
        makeNode('Sigmoid', ['x'], ['h']),
        makeNode('Mul', ['a', 'h'], ['g']),
        makeNode('Add', ['g', 'one'], ['s']),
        conv('s', 'w2', 'y'),
      ],
      outputs: ['y'],
      initializers: [floatTensor('one', [1], [1])],
    }),
  },
  {
    name: 'a LayerNormalization that feeds products, and the biased product behind Relu',
    inputs: tokens,
    free: ['n', 'p', 'q', 'r'],
    model: network({
      inputs: tokens,
      nodes: [
        makeNode('LayerNormalization', ['x', 'gain', 'shift'], ['n'], lastAxis),
        makeNode('MatMul', ['n', 'm1'], ['p']),
        makeNode('Add', ['p', 'addend'], ['q']),
        makeNode('Relu', ['q'], ['r']),
        makeNode('MatMul', ['r', 'm2'], ['y']),
      ],
      outputs: ['y'],
      initializers: [
        ...['gain', 'shift'].map((name) => random(name, [8])),
        ...[random('m1', [8, 5]), random('addend', [5]), random('m2', [5, 2])],
      ],
    }),
  },
  {
    name: 'nothing where a Sigmoid or an output of the graph sees the values',
    inputs: image,
    free: [],
    model: network({
      nodes: [
        conv('x', 'w1', 'a'),
        makeNode('Sigmoid', ['a'], ['s']),
        makeNode('Mul', ['a', 's'], ['m']),
        conv('m', 'w2', 'b'),
        conv('b', 'w3', 'y'),
      ],
      outputs: ['b', 'y'],
    }),
  },
];

export async function typesOf(model: Model): Promise<Map<string, ValueMeta>> {
  if (model.graph.nodes.some((n) => n.opType === 'LayerNormalization'))
    model.opsetImports = [{ domain: '', version: 17 }];
  return inferTypes(model);
}
