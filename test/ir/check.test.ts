import { describe, expect, test } from 'vitest';
import { QuantizeError } from '../../src/errors.js';
import { checkGraph } from '../../src/ir/check.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Graph, Model, Node, ValueInfo } from '../../src/ir/model.js';
import { floatTensor, makeTensor } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';

const scalar = (name: string, elemType = 1): ValueInfo => ({
  name,
  type: { tensor: { elemType, shape: { dims: [] } } },
});

function graph(nodes: Node[], inputs: string[], outputs: string[], constants: string[] = []): Graph {
  return {
    name: 'g',
    nodes,
    inputs: inputs.map((name) => scalar(name, name === 'cond' ? 9 : 1)),
    outputs: outputs.map((name) => scalar(name)),
    valueInfo: [],
    initializers: constants.map((name) => floatTensor(name, [], [1])),
    sparseInitializers: [],
  };
}

const model = (g: Graph): Model => ({
  irVersion: 8,
  graph: g,
  opsetImports: [{ version: 17 }],
  metadata: [],
  functions: [],
});

const node = (type: string, inputs: string[], outputs: string[], name?: string) =>
  makeNode(type, inputs, outputs, [], { name });
const branches = (then: Graph, otherwise: Graph): Node =>
  makeNode(
    'If',
    ['cond'],
    ['y'],
    [makeAttribute.graph('then_branch', then), makeAttribute.graph('else_branch', otherwise)],
    { name: 'choice' },
  );

/** `fails`: the code and a part of the message; without it the graph is fine. `ort: false`: onnxruntime says no. */
const CASES: { name: string; graph: Graph; fails?: [string, RegExp]; ort?: false }[] = [
  { name: 'a chain', graph: graph([node('Relu', ['x'], ['a']), node('Abs', ['a'], ['y'])], ['x'], ['y']) },
  {
    name: 'nodes in the wrong order',
    graph: graph([node('Abs', ['a'], ['y']), node('Relu', ['x'], ['a'])], ['x'], ['y']),
  },
  {
    name: 'an omitted optional input',
    graph: graph([node('Clip', ['x', '', 'top'], ['y'])], ['x'], ['y'], ['top']),
  },
  {
    name: 'an initializer that is also an input',
    graph: graph([node('Add', ['x', 'w'], ['y'])], ['x', 'w'], ['y'], ['w']),
  },
  {
    name: 'an output that is an initializer',
    graph: graph([node('Relu', ['x'], ['y'])], ['x'], ['y', 'w'], ['w']),
  },
  { name: 'an output that is an input', graph: graph([node('Relu', ['x'], ['y'])], ['x'], ['y', 'x']) },
  {
    name: 'an unused node',
    graph: graph([node('Relu', ['x'], ['y']), node('Abs', ['x'], ['unused'])], ['x'], ['y']),
  },
  {
    name: 'captures from the outer graph',
    graph: graph(
      [
        node('Relu', ['x'], ['r']),
        branches(
          graph([node('Abs', ['r'], ['t'])], [], ['t']),
          graph([node('Neg', ['w'], ['e'])], [], ['e']),
        ),
      ],
      ['x', 'cond'],
      ['y'],
      ['w'],
    ),
  },
  {
    name: 'the same names in two branches',
    graph: graph(
      [
        branches(
          graph([node('Abs', ['x'], ['t'])], [], ['t']),
          graph([node('Neg', ['x'], ['t'])], [], ['t']),
        ),
      ],
      ['x', 'cond'],
      ['y'],
    ),
  },
  {
    name: 'a dangling input',
    graph: graph([node('Add', ['x', 'wieght'], ['y'], 'add1')], ['x'], ['y'], ['weight']),
    fails: ['GRAPH_DANGLING', /Add "add1" reads "wieght"/],
    ort: false,
  },
  {
    name: 'a dangling input inside a branch',
    graph: graph(
      [
        branches(
          graph([node('Abs', ['nowhere'], ['t'])], [], ['t']),
          graph([node('Neg', ['x'], ['e'])], [], ['e']),
        ),
      ],
      ['x', 'cond'],
      ['y'],
    ),
    fails: ['GRAPH_DANGLING', /Abs that makes "t" reads "nowhere"/],
    ort: false,
  },
  {
    name: 'a value of a branch read outside',
    graph: graph(
      [
        branches(
          graph([node('Abs', ['x'], ['t'])], [], ['t']),
          graph([node('Neg', ['x'], ['e'])], [], ['e']),
        ),
        node('Relu', ['t'], ['z']),
      ],
      ['x', 'cond'],
      ['y', 'z'],
    ),
    fails: ['GRAPH_DANGLING', /reads "t"/],
    ort: false,
  },
  {
    name: 'a missing output',
    graph: graph([node('Relu', ['x'], ['y'])], ['x'], ['y', 'z']),
    fails: ['GRAPH_DANGLING', /output "z"/],
    ort: false,
  },
  {
    name: 'two producers',
    graph: graph([node('Relu', ['x'], ['y']), node('Abs', ['x'], ['y'], 'second')], ['x'], ['y']),
    fails: ['GRAPH_DUPLICATE', /"y" has a second source: Abs "second"/],
    ort: false,
  },
  {
    name: 'a node that makes an input',
    graph: graph([node('Relu', ['x'], ['y']), node('Abs', ['y'], ['x'])], ['x'], ['y']),
    fails: ['GRAPH_DUPLICATE', /"x"/],
    ort: false,
  },
  {
    name: 'a node that makes an initializer',
    graph: graph([node('Relu', ['x'], ['y']), node('Abs', ['x'], ['w'])], ['x'], ['y'], ['w']),
    fails: ['GRAPH_DUPLICATE', /"w"/],
    ort: false,
  },
  {
    name: 'a cycle of two',
    graph: graph([node('Add', ['x', 'b'], ['a'], 'one'), node('Relu', ['a'], ['b'], 'two')], ['x'], ['b']),
    fails: ['GRAPH_CYCLE', /cycle: (Add "one" → Relu "two" → Add|Relu "two" → Add "one" → Relu)/],
    ort: false,
  },
  {
    name: 'a node that reads itself',
    graph: graph([node('Add', ['x', 'y'], ['y'])], ['x'], ['y']),
    fails: ['GRAPH_CYCLE', /makes "y" → Add that makes "y"/],
    ort: false,
  },
  {
    name: 'a cycle through a capture',
    graph: graph(
      [
        branches(
          graph([node('Abs', ['later'], ['t'])], [], ['t']),
          graph([node('Neg', ['x'], ['e'])], [], ['e']),
        ),
        node('Relu', ['y'], ['later']),
      ],
      ['x', 'cond'],
      ['later'],
    ),
    fails: ['GRAPH_CYCLE', /If "choice"/],
    ort: false,
  },
];

describe.each(CASES)('$name', ({ graph: g, fails, ort }) => {
  test('is judged right', () => {
    const check = () => checkGraph(model(g));
    if (fails)
      expect(check).toThrow(
        expect.objectContaining({
          code: fails[0],
          kind: 'invalid',
          message: expect.stringMatching(fails[1]),
          hint: expect.any(String),
        }),
      );
    else expect(check).not.toThrow();
  });

  test('nothing is refused that onnxruntime opens', async () => {
    const opened = await openModel(model(g), { optimize: 'disabled' }).then(
      (session) => session.release().then(() => true),
      () => false,
    );
    expect(opened).toBe(ort !== false);
  });
});

test('a misspelt name comes with its nearest neighbour', () => {
  const g = graph([node('Add', ['x', 'wieght'], ['y'])], ['x'], ['y'], ['weight', 'other']);
  expect(() => checkGraph(model(g))).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('"weight"') }),
  );
});

test('function bodies are checked too', () => {
  const f = {
    name: 'F',
    domain: 'me',
    inputs: ['a'],
    outputs: ['b'],
    attributes: [],
    attributeDefaults: [],
    nodes: [node('Relu', ['c'], ['b'])],
    opsetImports: [],
    valueInfo: [],
  };
  expect(() => checkGraph({ ...model(graph([], ['x'], ['x'])), functions: [f] })).toThrow(QuantizeError);
  expect(() =>
    checkGraph({ ...model(graph([], ['x'], ['x'])), functions: [{ ...f, inputs: ['c'] }] }),
  ).not.toThrow();
});

test('sparse initializers define a name', () => {
  const g = graph([node('Relu', ['s'], ['y'])], [], ['y']);
  g.sparseInitializers = [{ values: makeTensor('s', 'float32', [0], new Uint8Array(0)), dims: [2] }];
  expect(() => checkGraph(model(g))).not.toThrow();
});

test('a chain of 100,000 nodes in reverse is no burden on the stack', () => {
  const nodes = Array.from({ length: 100_000 }, (_, i) => node('Relu', [`v${i}`], [`v${i + 1}`])).reverse();
  expect(() => checkGraph(model(graph(nodes, ['v0'], ['v100000'])))).not.toThrow();
});
