import { describe, expect, it } from 'vitest';
import { dtypeNumber } from '../../../src/ir/dtypes.js';
import { makeAttribute as a, makeNode, subgraphs } from '../../../src/ir/graph.js';
import { floatValues, int64Tensor, intValues, makeTensor } from '../../../src/ir/tensor.js';
import { foldConstants } from '../../../src/prepare/passes/fold-constants.js';
import { foldShapes } from '../../../src/prepare/passes/fold-shapes.js';
import { checkPass, graph, model, type PassCase, random, value } from '../helpers.js';

const x = [value('x', [2, 3])];
const y = [value('y', undefined)];
const half = (name: string, bits: number[]) =>
  makeTensor(name, 'float16', [bits.length], Uint16Array.from(bits));

const CASES: PassCase[] = [
  {
    name: 'case 1: a chain of two and its neighbour, in one go',
    model: () =>
      model({
        inputs: x,
        outputs: y,
        initializers: [random('w', [3, 4]), random('b', [4])],
        nodes: [
          makeNode('Transpose', ['w'], ['t'], [a.ints('perm', [1, 0])]),
          makeNode('Transpose', ['t'], ['u'], [a.ints('perm', [1, 0])]),
          makeNode('Neg', ['b'], ['c']),
          makeNode('MatMul', ['x', 'u'], ['m']),
          makeNode('Add', ['m', 'c'], ['y']),
        ],
      }),
    changes: 3,
    ops: ['MatMul', 'Add'],
    check: (after) => expect(after.graph.initializers.map((t) => t.name)).toEqual(['w', 'b', 'u', 'c']),
  },
  {
    name: 'case 1: float16 through Cast',
    model: () =>
      model({
        inputs: x,
        outputs: y,
        initializers: [half('h', [0x3c00, 0xc000, 0x3555])],
        nodes: [
          makeNode('Cast', ['h'], ['f'], [a.int('to', 1)]),
          makeNode('Neg', ['h'], ['n']),
          makeNode('Cast', ['n'], ['m'], [a.int('to', 1)]),
          makeNode('Add', ['x', 'f'], ['s']),
          makeNode('Add', ['s', 'm'], ['y']),
        ],
      }),
    changes: 3,
    check: (after) => expect([...floatValues(after.graph.initializers[1])].slice(0, 2)).toEqual([1, -2]),
  },
  {
    name: 'case 2: an expansion beyond the limit stays, what feeds it is folded',
    model: () =>
      model({
        inputs: [value('x', [1])],
        outputs: y,
        initializers: [int64Tensor('n', [1], [-300000]), random('v', [1])],
        nodes: [
          makeNode('Neg', ['n'], ['p']),
          makeNode('Expand', ['v', 'p'], ['e']),
          makeNode('Add', ['x', 'e'], ['y']),
        ],
      }),
    changes: 1,
    ops: ['Expand', 'Add'],
  },
  {
    name: 'case 3: what makes a graph output stays',
    model: () =>
      model({ outputs: y, initializers: [random('v', [2])], nodes: [makeNode('Neg', ['v'], ['y'])] }),
    changes: 0,
    ops: ['Neg'],
  },
  {
    name: 'case 3: control flow stays',
    model: () => {
      const branch = (out: string, op: string) =>
        graph({ outputs: [value(out, [2])], nodes: [makeNode(op, ['v'], [out])] });
      return model({
        inputs: [value('x', [2])],
        outputs: y,
        initializers: [random('v', [2]), makeTensor('b', 'bool', [], Uint8Array.of(1))],
        nodes: [
          makeNode(
            'If',
            ['b'],
            ['i'],
            [a.graph('then_branch', branch('t', 'Neg')), a.graph('else_branch', branch('e', 'Abs'))],
          ),
          makeNode('Add', ['x', 'i'], ['y']),
        ],
      });
    },
    changes: 0,
    ops: ['If', 'Add'],
  },
  {
    name: 'case 4: in a nested graph, from constants around it',
    model: () => {
      const branch = (out: string) =>
        graph({
          outputs: [value(out, [2])],
          initializers: [random('own', [2])],
          nodes: [
            makeNode('Neg', ['v'], ['n']),
            makeNode('Mul', ['n', 'own'], ['k']),
            makeNode('Add', ['k', 'x'], [out]),
          ],
        });
      return model({
        inputs: [value('b', [], dtypeNumber('bool')), value('x', [2])],
        outputs: y,
        initializers: [random('v', [2])],
        nodes: [
          makeNode(
            'If',
            ['b'],
            ['y'],
            [a.graph('then_branch', branch('t')), a.graph('else_branch', branch('e'))],
          ),
        ],
      });
    },
    changes: 4,
    check: (after) =>
      expect(subgraphs(after.graph.nodes[0]).map((g) => g.nodes.map((n) => n.opType))).toEqual([
        ['Add'],
        ['Add'],
      ]),
  },
  {
    name: 'a value that a nested graph captures',
    model: () => {
      const branch = (out: string) =>
        graph({ outputs: [value(out, [2])], nodes: [makeNode('Add', ['n', 'x'], [out])] });
      return model({
        inputs: [value('b', [], dtypeNumber('bool')), value('x', [2])],
        outputs: y,
        initializers: [random('v', [2])],
        nodes: [
          makeNode('Neg', ['v'], ['n']),
          makeNode(
            'If',
            ['b'],
            ['y'],
            [a.graph('then_branch', branch('t')), a.graph('else_branch', branch('e'))],
          ),
        ],
      });
    },
    changes: 1,
    ops: ['If'],
  },
];

describe('fold-constants', () => {
  it.each(CASES)('$name', (c) => checkPass(foldConstants, c));

  it('case 3: random operators stay', async () => {
    const m = model({
      inputs: [value('x', [2])],
      outputs: y,
      initializers: [random('v', [2])],
      nodes: [makeNode('RandomUniformLike', ['v'], ['r']), makeNode('Add', ['x', 'r'], ['y'])],
    });
    expect((await foldConstants.run(m, {})).changes).toBe(0);
  });

  it('case 3: what onnxruntime cannot run stays, its neighbours are folded', async () => {
    const m = model({
      inputs: [value('x', [2])],
      outputs: y,
      initializers: [random('v', [2])],
      nodes: [
        makeNode('Neg', ['v'], ['a']),
        makeNode('NoSuchOperator', ['v'], ['b']),
        makeNode('Abs', ['v'], ['c']),
        makeNode('Sum', ['x', 'a', 'b', 'c'], ['y']),
      ],
    });
    expect((await foldConstants.run(m, {})).changes).toBe(2);
    expect(m.graph.nodes.map((n) => n.opType)).toEqual(['NoSuchOperator', 'Sum']);
  });

  it('case 2: a terabyte asked for in a few bytes is not computed', async () => {
    const m = model({
      inputs: [value('x', [1])],
      outputs: y,
      initializers: [int64Tensor('n', [2], [1000000, 1000000])],
      nodes: [
        makeNode('ConstantOfShape', ['n'], ['huge']),
        makeNode('ReduceSum', ['huge'], ['r']),
        makeNode('Add', ['x', 'r'], ['y']),
      ],
    });
    expect((await foldConstants.run(m, {})).changes).toBe(0);
  });
});

const SHAPES: PassCase[] = [
  {
    name: 'case 1: Shape of fixed dims',
    model: () =>
      model({
        inputs: x,
        outputs: [value('y', [2], 7)],
        nodes: [makeNode('Shape', ['x'], ['s']), makeNode('Neg', ['s'], ['y'])],
      }),
    changes: 1,
    ops: ['Neg'],
    check: (after) => expect(intValues(after.graph.initializers[0])).toEqual([2, 3]),
  },
  {
    name: 'case 1: start and end, counted from the back',
    model: () =>
      model(
        {
          inputs: [value('x', ['n', 3, 4, 5])],
          outputs: [value('y', [2], 7)],
          nodes: [
            makeNode('Shape', ['x'], ['s'], [a.int('start', -3), a.int('end', -1)]),
            makeNode('Neg', ['s'], ['y']),
          ],
        },
        { opset: 15 },
      ),
    changes: 1,
    ops: ['Neg'],
    check: (after) => expect(intValues(after.graph.initializers[0])).toEqual([3, 4]),
  },
  {
    name: 'case 2: Size',
    model: () =>
      model({
        inputs: x,
        outputs: [value('y', [], 7)],
        nodes: [makeNode('Size', ['x'], ['s']), makeNode('Neg', ['s'], ['y'])],
      }),
    changes: 1,
    ops: ['Neg'],
  },
  {
    name: 'case 3: Gather of fixed dims, counted from the back too',
    model: () =>
      model({
        inputs: [value('x', ['n', 3, 4])],
        outputs: [value('y', [2], 7)],
        initializers: [int64Tensor('i', [2], [1, -1])],
        nodes: [
          makeNode('Shape', ['x'], ['s']),
          makeNode('Gather', ['s', 'i'], ['g']),
          makeNode('Neg', ['g'], ['y']),
        ],
      }),
    changes: 1,
    ops: ['Shape', 'Neg'],
  },
  {
    name: 'case 4: an open dim, or a graph output: stays',
    model: () =>
      model({
        inputs: [value('x', ['n', 3]), value('z', [2])],
        outputs: [value('y', [2], 7), value('t', [1], 7)],
        nodes: [
          makeNode('Shape', ['x'], ['s']),
          makeNode('Neg', ['s'], ['y']),
          makeNode('Shape', ['z'], ['t']),
        ],
      }),
    changes: 0,
    ops: ['Shape', 'Neg', 'Shape'],
  },
];

describe('fold-shapes', () => {
  it.each(SHAPES)('$name', (c) => checkPass(foldShapes, c));
});
