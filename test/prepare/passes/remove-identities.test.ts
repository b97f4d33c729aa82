import { describe, expect, it } from 'vitest';
import { makeAttribute as a, makeNode, subgraphs } from '../../../src/ir/graph.js';
import type { Graph, Model, Node } from '../../../src/ir/model.js';
import { makeTensor } from '../../../src/ir/tensor.js';
import { removeIdentities } from '../../../src/prepare/passes/remove-identities.js';
import { checkPass, graph, model, type PassCase, random, value } from '../helpers.js';

const id = (x: string, y: string): Node => makeNode('Identity', [x], [y]);
const relu = (x: string, y: string): Node => makeNode('Relu', [x], [y]);
const outputs = (...names: string[]) => names.map((name) => value(name, [2]));
const x = [value('x', [2])];
const bool = (name: string, v: number) => makeTensor(name, 'bool', [], Uint8Array.of(v));

const branch = (name: string, nodes: Node[]): Graph =>
  graph({ name, outputs: outputs(`${name}_out`), nodes });
const choose = (then: Graph, otherwise: Graph): Node =>
  makeNode('If', ['b'], ['y'], [a.graph('then_branch', then), a.graph('else_branch', otherwise)]);
const withIf = (nodes: Node[], then: Node[], otherwise: Node[]): Model =>
  model({
    inputs: [value('b', [], 9), ...x],
    outputs: outputs('y'),
    nodes: [...nodes, choose(branch('t', then), branch('e', otherwise))],
  });

const CASES: PassCase[] = [
  {
    name: 'case 1: a chain',
    model: () =>
      model({
        inputs: x,
        outputs: outputs('y'),
        nodes: [relu('x', 't'), id('t', 'u'), id('u', 'v'), relu('v', 'y')],
      }),
    changes: 2,
    ops: ['Relu', 'Relu'],
  },
  {
    name: 'case 1: of an initializer and of an input',
    model: () =>
      model({
        inputs: x,
        outputs: outputs('y'),
        initializers: [random('w', [2])],
        nodes: [id('w', 'v'), id('x', 'u'), makeNode('Add', ['u', 'v'], ['y'])],
      }),
    changes: 2,
    check: (after) => expect(after.graph.nodes[0].inputs).toEqual(['x', 'w']),
  },
  {
    name: 'case 1: read by nested graphs',
    model: () =>
      withIf([relu('x', 'r'), id('r', 'i')], [relu('i', 't_out')], [makeNode('Neg', ['i'], ['e_out'])]),
    changes: 1,
    check: (after) =>
      expect(subgraphs(after.graph.nodes[1]).map((g) => g.nodes[0].inputs)).toEqual([['r'], ['r']]),
  },
  {
    name: 'case 1: in a nested graph, of an outer value',
    model: () => withIf([], [id('x', 'i'), relu('i', 't_out')], [relu('x', 'e_out')]),
    changes: 1,
  },
  {
    name: 'case 2: makes a graph output; other readers follow',
    model: () =>
      model({ inputs: x, outputs: outputs('y', 'z'), nodes: [relu('x', 't'), id('t', 'y'), relu('t', 'z')] }),
    changes: 1,
    ops: ['Relu', 'Relu'],
    check: (after) => expect(after.graph.nodes[1].inputs).toEqual(['y']),
  },
  {
    name: 'case 2: a captured value becomes a graph output',
    model: () => {
      const m = withIf([relu('x', 'r'), id('r', 'i')], [relu('r', 't_out')], [relu('r', 'e_out')]);
      m.graph.outputs.push(value('i', [2]));
      return m;
    },
    changes: 1,
  },
  {
    name: 'case 3: of a graph input, or of another output: stays',
    model: () =>
      model({
        inputs: x,
        outputs: outputs('y', 'z', 'w'),
        nodes: [id('x', 'y'), relu('x', 'z'), id('z', 'w')],
      }),
    changes: 0,
    ops: ['Identity', 'Relu', 'Identity'],
  },
  {
    name: 'case 3: two outputs from one value: one stays',
    model: () =>
      model({ inputs: x, outputs: outputs('y', 'z'), nodes: [relu('x', 't'), id('t', 'y'), id('t', 'z')] }),
    changes: 1,
    ops: ['Relu', 'Identity'],
  },
  {
    name: 'case 3: in a nested graph, of an outer value as output: stays',
    model: () => withIf([], [id('x', 't_out')], [relu('x', 'e_out')]),
    changes: 0,
  },
  {
    name: 'Dropout without training mode',
    model: () =>
      model({
        inputs: x,
        outputs: outputs('y'),
        nodes: [makeNode('Dropout', ['x'], ['d', 'mask']), relu('d', 'y')],
      }),
    changes: 1,
    ops: ['Relu'],
  },
  {
    name: 'Dropout with training mode false',
    model: () =>
      model({
        inputs: x,
        outputs: outputs('y'),
        initializers: [random('r', []), bool('f', 0)],
        nodes: [makeNode('Dropout', ['x', '', 'f'], ['d']), relu('d', 'y')],
      }),
    changes: 1,
    ops: ['Relu'],
  },
  {
    name: 'case 5: Dropout whose mask is read: stays',
    model: () =>
      model({
        inputs: x,
        outputs: [value('y', [2]), value('m', [2], 9)],
        nodes: [makeNode('Dropout', ['x'], ['y', 'm'])],
      }),
    changes: 0,
    ops: ['Dropout'],
  },
];

describe('remove-identities', () => {
  it.each(CASES)('$name', (c) => checkPass(removeIdentities, c));

  it('case 4: a nested graph that defines the other name: stays', async () => {
    const inner = branch('t', [relu('y', 'x'), relu('x', 't_out')]);
    const m = model({ outputs: outputs('z'), nodes: [id('x', 'y'), choose(inner, inner)] });
    expect((await removeIdentities.run(m, {})).changes).toBe(0);
  });

  it('case 5: Dropout that trains, or might: stays', async () => {
    for (const mode of ['on', 'computed']) {
      const m = model({
        inputs: [...x, value('computed', [], 9)],
        outputs: outputs('y'),
        initializers: [bool('on', 1)],
        nodes: [makeNode('Dropout', ['x', '', mode], ['d']), relu('d', 'y')],
      });
      expect((await removeIdentities.run(m, {})).changes).toBe(0);
    }
  });
});
