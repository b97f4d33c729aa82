import { describe, expect, it } from 'vitest';
import { makeNode } from '../../../src/ir/graph.js';
import { gatedProducts } from '../../../src/pipeline/steps/gated.js';
import { conv, network } from '../../plan/cases.js';

const silu = [conv('x', 'w1', 'a'), makeNode('Sigmoid', ['a'], ['g']), makeNode('Mul', ['a', 'g'], ['y'])];
const all = ['a', 'g', 'y'];

describe('products of a value and its own gate', () => {
  it.each([
    ['behind a layer in integers', silu, all, ['g', 'y']],
    ['not where the value has other readers', [...silu, makeNode('Relu', ['a'], ['r'])], all, []],
    ['not where the layer is in float', silu, ['g', 'y'], []],
    ['not where they are in float already', silu, ['a'], []],
    ['not where another value is gated', [silu[0], silu[1], makeNode('Mul', ['x', 'g'], ['y'])], all, []],
  ])('%s', (_, nodes, integer, expected) => {
    const plan = { integer: integer.map((node) => ({ node, opType: '', reason: '' })) };
    expect(gatedProducts(network({ nodes, outputs: ['y'] }), plan)).toEqual(expected);
  });
});
