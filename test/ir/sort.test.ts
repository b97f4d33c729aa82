import { expect, test } from 'vitest';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import { topologicalSort } from '../../src/ir/sort.js';

const n = (name: string, inputs: string[]) => makeNode('Op', inputs, [name], [], { name });
const body = (reads: string) => ({
  nodes: [n('inner', [reads])],
  inputs: [],
  outputs: [{ name: 'inner' }],
  valueInfo: [],
  initializers: [],
  sparseInitializers: [],
});
const names = (nodes: readonly { name?: string }[]) => nodes.map((x) => x.name).join(' ');

test.each([
  ['in order already', [n('a', ['x']), n('b', ['a']), n('c', ['x'])], 'a b c'],
  ['reversed', [n('c', ['b']), n('b', ['a']), n('a', ['x'])], 'a b c'],
  ['only what must move moves', [n('a', ['x']), n('d', ['c']), n('b', ['x']), n('c', ['a'])], 'a c d b'],
  ['a diamond', [n('d', ['b', 'c']), n('c', ['a']), n('b', ['a']), n('a', [])], 'a b c d'],
  ['omitted inputs', [n('b', ['', 'a', '']), n('a', [''])], 'a b'],
  [
    'a capture',
    [makeNode('If', [], ['y'], [makeAttribute.graph('then_branch', body('a'))], { name: 'if' }), n('a', [])],
    'a if',
  ],
  [
    'a list of bodies',
    [
      makeNode(
        'Op',
        [],
        ['y'],
        [{ ...makeAttribute.graph('g', body('x')), g: undefined, graphs: [body('a')] }],
        { name: 'op' },
      ),
      n('a', []),
    ],
    'a op',
  ],
  ['nothing', [], ''],
])('%s', (_, nodes, order) => {
  const sorted = topologicalSort(nodes);
  expect(sorted.cycle).toBeUndefined();
  expect(names(sorted.nodes)).toBe(order);
});

test.each([
  ['itself', [n('a', ['a'])], 'a'],
  [
    'three, without the tail that leads in',
    [n('t', ['x']), n('a', ['t', 'c']), n('b', ['a']), n('c', ['b'])],
    'b c a',
  ],
])('a cycle is named in the direction of data flow: %s', (_, nodes, cycle) => {
  const sorted = topologicalSort(nodes);
  expect(sorted.nodes).toEqual([]);
  expect(names(sorted.cycle ?? [])).toBe(cycle);
});
