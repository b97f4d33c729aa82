import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Node, Tensor } from '../../src/ir/model.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { decideFlow } from '../../src/plan/flow.js';
import { planBiases, planWeights } from '../../src/plan/weights.js';
import { random } from '../prepare/helpers.js';
import { conv, input, network, type Shape } from './cases.js';

interface Case extends Partial<Shape> {
  name: string;
  nodes: Node[];
  initializers?: Tensor[];
  scheme?: string;
  target?: string;
  keepFloat?: string[];
  /** tensor → [axis or null, stored only]. */
  weights: Record<string, [number | null, boolean]>;
  biases?: string[];
}

const group = (g: number) => makeAttribute.int('group', g);
const MATRIX = { x: [2, 4] };

const CASES: Case[] = [
  {
    name: 'Conv: axis 0, int32 bias',
    nodes: [conv('x', 'w1', 'y', 'b1')],
    weights: { w1: [0, false] },
    biases: ['b1'],
  },
  {
    name: 'one scale a tensor when asked',
    nodes: [conv('x', 'w1', 'y')],
    scheme: 'int8-perlayer',
    weights: { w1: [null, false] },
  },
  {
    name: 'ConvTranspose: axis 1',
    target: 'tpu',
    nodes: [makeNode('ConvTranspose', ['x', 't'], ['y'])],
    initializers: [random('t', [4, 6, 2, 2])],
    weights: { t: [1, false] },
  },
  {
    name: 'grouped ConvTranspose: one scale, with the reason',
    target: 'tpu',
    nodes: [makeNode('ConvTranspose', ['x', 't'], ['y'], [group(2)])],
    initializers: [random('t', [4, 6, 2, 2])],
    weights: { t: [null, false] },
  },
  {
    name: 'Gemm with transB: axis 0',
    inputs: MATRIX,
    nodes: [makeNode('Gemm', ['x', 'g', 'c'], ['y'], [makeAttribute.int('transB', 1)])],
    initializers: [random('g', [3, 4]), random('c', [3])],
    weights: { g: [0, false] },
    biases: ['c'],
  },
  {
    name: 'Gemm without transB: axis 1; a bias with beta ≠ 1 stays float',
    inputs: MATRIX,
    nodes: [makeNode('Gemm', ['x', 'g', 'c'], ['y'], [makeAttribute.float('beta', 0.5)])],
    initializers: [random('g', [4, 3]), random('c', [3])],
    weights: { g: [1, false] },
    biases: [],
  },
  {
    name: 'MatMul with a batch of matrices on the right: one scale, as onnxruntime multiplies them with no more',
    inputs: { x: [2, 3, 4] },
    nodes: [makeNode('MatMul', ['x', 'm'], ['y'])],
    initializers: [random('m', [2, 4, 5])],
    weights: { m: [null, false] },
  },
  {
    name: 'MatMul with a batch of matrices that are stored only: the last axis',
    inputs: { x: [2, 3, 4] },
    nodes: [makeNode('MatMul', ['x', 'm'], ['y'])],
    initializers: [random('m', [2, 4, 5])],
    scheme: 'int8-float-perchannel',
    weights: { m: [2, true] },
  },
  {
    name: 'a vector in blocks: a row of one',
    inputs: { x: [3, 16] },
    nodes: [makeNode('MatMul', ['x', 'm'], ['y'])],
    initializers: [random('m', [16])],
    scheme: 'int4-block32',
    weights: { m: [1, true] },
  },
  {
    name: 'MatMul with the constant on the left: the second-last axis',
    inputs: { x: [4, 3] },
    nodes: [makeNode('MatMul', ['m', 'x'], ['y'])],
    initializers: [random('m', [5, 4])],
    weights: { m: [0, false] },
  },
  {
    name: 'weights that two nodes share are one weight; their biases are two',
    nodes: [conv('x', 'w1', 'c', 'b1'), conv('c', 'w1', 'y', 'b1')],
    weights: { w1: [0, false] },
    biases: ['b1', 'b1'],
  },
  { name: 'kept in float', nodes: [conv('x', 'w1', 'y')], keepFloat: ['y'], weights: {} },
  {
    name: 'weight-only scheme',
    nodes: [conv('x', 'w1', 'y', 'b1')],
    scheme: 'int8-float-perchannel',
    weights: { w1: [0, true] },
    biases: [],
  },
  {
    name: 'an embedding: one scale a row, stored only',
    inputs: { x: [1, 4, 6, 6] },
    nodes: [makeNode('Shape', ['x'], ['i']), makeNode('Gather', ['e', 'i'], ['y'])],
    initializers: [random('e', [8, 4])],
    weights: { e: [0, true] },
  },
  {
    name: 'a handful of values: quantized for an integer kernel, not for storage',
    inputs: MATRIX,
    nodes: [makeNode('MatMul', ['x', 'm'], ['z']), makeNode('Gather', ['e', 'i'], ['y'])],
    initializers: [random('m', [4, 1]), random('e', [3, 2]), int64Tensor('i', [1], [0])],
    weights: { m: [1, false] },
  },
];

describe('planWeights and planBiases', () => {
  it.each(CASES)('$name', async (c) => {
    const given = await input(network({ outputs: ['y'], ...c }), c);
    const flow = decideFlow(given);
    const weights = planWeights(flow, given);
    expect(Object.fromEntries(weights.map((w) => [w.tensor, [w.axis ?? null, w.weightOnly]]))).toEqual(
      c.weights,
    );
    if (c.biases) expect(planBiases(flow, weights, given).map((b) => b.tensor)).toEqual(c.biases);
    for (const w of weights) expect(w.reason.length).toBeGreaterThan(10);
  });
});
