import { describe, expect, it } from 'vitest';
import { makeAttribute as a, allGraphs, makeNode } from '../../../src/ir/graph.js';
import { ATTRIBUTE_TYPES, type Attribute, type Node } from '../../../src/ir/model.js';
import { floatTensor } from '../../../src/ir/tensor.js';
import { constantValue, liftConstants } from '../../../src/prepare/passes/lift-constants.js';
import { checkPass, graph, model, value } from '../helpers.js';

const utf8 = new TextEncoder();
const constant = (attribute: Attribute, output = 'c'): Node =>
  makeNode('Constant', [], [output], [attribute]);

/** Each form, the operator that reads it, and what comes out. */
const FORMS: { name: string; attribute: Attribute; node: Node; input: number; output: number }[] = [
  {
    name: 'value',
    attribute: a.tensor('value', floatTensor('', [2], [1, 2])),
    node: makeNode('Add', ['x', 'c'], ['y']),
    input: 1,
    output: 1,
  },
  {
    name: 'value_float',
    attribute: a.float('value_float', 1.5),
    node: makeNode('Add', ['x', 'c'], ['y']),
    input: 1,
    output: 1,
  },
  {
    name: 'value_floats',
    attribute: a.floats('value_floats', [1, 2]),
    node: makeNode('Add', ['x', 'c'], ['y']),
    input: 1,
    output: 1,
  },
  {
    name: 'value_int',
    attribute: a.int('value_int', -7),
    node: makeNode('Add', ['x', 'c'], ['y']),
    input: 7,
    output: 7,
  },
  {
    name: 'value_ints',
    attribute: a.ints('value_ints', [3, -4]),
    node: makeNode('Add', ['x', 'c'], ['y']),
    input: 7,
    output: 7,
  },
];

describe('lift-constants', () => {
  it.each(FORMS)('case 1: $name', ({ attribute, node, input, output }) =>
    checkPass(liftConstants, {
      name: '',
      model: () =>
        model({
          inputs: [value('x', [2], input)],
          outputs: [value('y', [2], output)],
          nodes: [constant(attribute), node],
        }),
      changes: 1,
      ops: ['Add'],
      check: (after) => expect(after.graph.initializers.map((t) => t.name)).toEqual(['c']),
    }),
  );

  it('case 1: strings', () => {
    const one = constantValue(constant(a.string('value_string', 'ab')))!;
    expect([one.dims, one.stringData]).toEqual([[], [utf8.encode('ab')]]);
    const strings = { ...a.string('value_strings', ''), type: ATTRIBUTE_TYPES.strings, s: undefined };
    const many = constantValue(constant({ ...strings, strings: [utf8.encode('a'), utf8.encode('')] }))!;
    expect([many.dims, many.stringData?.length]).toEqual([[2], 2]);
  });

  it('case 1: in a nested graph, for that graph', () =>
    checkPass(liftConstants, {
      name: '',
      model: () =>
        model({
          inputs: [value('b', [], 9), value('x', [2])],
          outputs: [value('y', [2])],
          nodes: [
            makeNode(
              'If',
              ['b'],
              ['y'],
              [
                a.graph(
                  'then_branch',
                  graph({
                    outputs: [value('t', [2])],
                    nodes: [constant(a.float('value_float', 2)), makeNode('Mul', ['x', 'c'], ['t'])],
                  }),
                ),
                a.graph(
                  'else_branch',
                  graph({
                    outputs: [value('e', [2])],
                    nodes: [constant(a.floats('value_floats', [1, 2]), 'e')],
                  }),
                ),
              ],
            ),
          ],
        }),
      changes: 1,
      check: (after) =>
        expect([...allGraphs(after.graph)].map((g) => g.initializers.length)).toEqual([0, 1, 0]),
    }));

  it('case 2: sparse_value and references stay', () => {
    const sparse = { ...a.float('sparse_value', 0), f: undefined, sparseTensor: { dims: [2] } };
    expect(constantValue(constant(sparse))).toBeUndefined();
    expect(constantValue(constant({ ...a.float('value_float', 1), refAttrName: 'alpha' }))).toBeUndefined();
    expect(constantValue(makeNode('Constant', [], ['c']))).toBeUndefined();
  });

  it('case 3: a Constant that makes a graph output stays', () =>
    checkPass(liftConstants, {
      name: '',
      model: () => model({ outputs: [value('c', [2])], nodes: [constant(a.floats('value_floats', [1, 2]))] }),
      changes: 0,
      ops: ['Constant'],
    }));
});
