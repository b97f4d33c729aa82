import { describe, it } from 'vitest';
import { makeAttribute as a, makeNode } from '../../../src/ir/graph.js';
import type { Node, Tensor } from '../../../src/ir/model.js';
import { foldAffine } from '../../../src/prepare/passes/fold-affine.js';
import { checkPass, model, random, value } from '../helpers.js';

/** Each weight is rounded once more: 2^-24 relative each, sums of up to 30 products here, with cancellation. */
const ROUNDING = 2e-6;

interface Case {
  name: string;
  /** What follows the convolution's output t and makes y. */
  nodes: Node[];
  constants: Tensor[];
  ops: string[];
  linear?: Node;
  weight?: number[];
  input?: number[];
  outputs?: string[];
}

const k = (dims: number[]) => random('k', dims, 5, 1.5);
const mul = (x: string, y: string) => makeNode('Mul', [x, y], ['y']);
const gemm = { linear: makeNode('Gemm', ['x', 'w'], ['t']), weight: [3, 5], input: [2, 3] };
const matmul = { linear: makeNode('MatMul', ['x', 'w'], ['t']), weight: [3, 5], input: [2, 4, 3] };

const CASES: Case[] = [
  { name: 'case 1: Mul by a scalar', nodes: [mul('t', 'k')], constants: [k([])], ops: ['Conv'] },
  { name: 'case 1: Mul, constant first', nodes: [mul('k', 't')], constants: [k([4, 1, 1])], ops: ['Conv'] },
  {
    name: 'case 1: Add',
    nodes: [makeNode('Add', ['t', 'k'], ['y'])],
    constants: [k([1, 4, 1, 1])],
    ops: ['Conv'],
  },
  {
    name: 'case 1: data − k',
    nodes: [makeNode('Sub', ['t', 'k'], ['y'])],
    constants: [k([4, 1, 1])],
    ops: ['Conv'],
  },
  {
    name: 'case 1: k − data',
    nodes: [makeNode('Sub', ['k', 't'], ['y'])],
    constants: [k([4, 1, 1])],
    ops: ['Conv'],
  },
  {
    name: 'case 1: data ÷ k',
    nodes: [makeNode('Div', ['t', 'k'], ['y'])],
    constants: [k([4, 1, 1])],
    ops: ['Conv'],
  },
  {
    name: 'case 1: a chain, folded in one walk',
    nodes: [
      makeNode('Mul', ['t', 'k'], ['u']),
      makeNode('Add', ['u', 'l'], ['v']),
      makeNode('Div', ['v', 'k'], ['y']),
    ],
    constants: [k([4, 1, 1]), random('l', [1])],
    ops: ['Conv'],
  },
  { name: 'case 1: Gemm', ...gemm, nodes: [mul('t', 'k')], constants: [k([5])], ops: ['Gemm'] },
  {
    name: 'case 1: Gemm, Add',
    ...gemm,
    nodes: [makeNode('Add', ['t', 'k'], ['y'])],
    constants: [k([1, 5])],
    ops: ['Gemm'],
  },
  { name: 'case 2: MatMul', ...matmul, nodes: [mul('t', 'k')], constants: [k([5])], ops: ['MatMul'] },
  {
    name: 'case 2: MatMul and Add',
    ...matmul,
    nodes: [makeNode('Add', ['l', 't'], ['u']), makeNode('Mul', ['u', 'k'], ['y'])],
    constants: [k([]), random('l', [5])],
    ops: ['MatMul', 'Add'],
  },
  {
    name: 'case 3: MatMul, Add stays',
    ...matmul,
    nodes: [makeNode('Add', ['t', 'k'], ['y'])],
    constants: [k([5])],
    ops: ['MatMul', 'Add'],
  },
  {
    name: 'case 4: k ÷ data stays',
    nodes: [makeNode('Div', ['k', 't'], ['y'])],
    constants: [k([])],
    ops: ['Conv', 'Div'],
  },
  {
    name: 'case 4: along the width stays',
    nodes: [mul('t', 'k')],
    constants: [k([4])],
    ops: ['Conv', 'Mul'],
  },
  {
    name: 'case 4: broadcasting up stays',
    nodes: [mul('t', 'k')],
    constants: [k([1, 1, 4, 1, 1])],
    ops: ['Conv', 'Mul'],
  },
  {
    name: 'case 4: MatMul by a matrix stays',
    ...matmul,
    nodes: [mul('t', 'k')],
    constants: [k([4, 5])],
    ops: ['MatMul', 'Mul'],
  },
  {
    name: 'case 4: read elsewhere stays',
    nodes: [mul('t', 'k'), makeNode('Relu', ['t'], ['z'])],
    constants: [k([])],
    ops: ['Conv', 'Mul', 'Relu'],
    outputs: ['y', 'z'],
  },
  {
    name: 'case 4: division by zero stays',
    nodes: [makeNode('Div', ['t', 'o'], ['y'])],
    constants: [{ ...random('o', [1]), rawData: new Uint8Array(4) }],
    ops: ['Conv', 'Div'],
  },
  {
    name: 'case 1: ConvTranspose with groups',
    linear: makeNode('ConvTranspose', ['x', 'w'], ['t'], [a.int('group', 2)]),
    weight: [4, 2, 3, 3],
    input: [1, 4, 5, 5],
    nodes: [mul('t', 'k')],
    constants: [k([4, 1, 1])],
    ops: ['ConvTranspose'],
  },
];

describe('fold-affine', () => {
  it.each(CASES)('$name', (c) =>
    checkPass(foldAffine, {
      name: c.name,
      model: () =>
        model({
          inputs: [value('x', c.input ?? [1, 3, 6, 6])],
          outputs: (c.outputs ?? ['y']).map((name) => ({ name, type: { tensor: { elemType: 1 } } })),
          initializers: [random('w', c.weight ?? [4, 3, 3, 3]), ...c.constants],
          nodes: [c.linear ?? makeNode('Conv', ['x', 'w'], ['t']), ...c.nodes],
        }),
      changes: 1 + c.nodes.length - c.ops.length,
      ops: c.ops,
      tolerance: ROUNDING,
    }),
  );
});
