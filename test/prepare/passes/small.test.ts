import { describe, expect, it } from 'vitest';
import { makeAttribute as a, allNodes, makeNode } from '../../../src/ir/graph.js';
import { int64Tensor } from '../../../src/ir/tensor.js';
import { dropInitializerInputs } from '../../../src/prepare/passes/drop-initializer-inputs.js';
import { foldPad } from '../../../src/prepare/passes/fold-pad.js';
import { nameNodes } from '../../../src/prepare/passes/name-nodes.js';
import { removeDead } from '../../../src/prepare/passes/remove-dead.js';
import { checkPass, graph, model, type PassCase, random, value } from '../helpers.js';

const add = makeNode('Add', ['x', 'w'], ['y']);
const listed = (irVersion: number) =>
  model(
    {
      inputs: [value('x', [2]), value('w', [2])],
      outputs: [value('y', [2])],
      initializers: [random('w', [2])],
      nodes: [add],
    },
    { irVersion, opset: 8 },
  );

describe('drop-initializer-inputs', () => {
  it.each([
    { irVersion: 3, diagnostics: [], name: 'case 1: IR 3 had to list them' },
    { irVersion: 4, diagnostics: ['OVERRIDABLE_INITIALIZERS'], name: 'case 2: IR 4 made them defaults' },
  ])('$name', async ({ irVersion, diagnostics }) => {
    const m = listed(irVersion);
    const result = await dropInitializerInputs.run(m, {});
    expect(result.changes).toBe(1);
    expect(m.graph.inputs.map((v) => v.name)).toEqual(['x']);
    expect(m.irVersion).toBe(4);
    expect(result.diagnostics?.map((d) => d.code)).toEqual(diagnostics);
    expect((await dropInitializerInputs.run(m, {})).changes).toBe(0);
  });
});

describe('name-nodes', () => {
  const relu = (x: string, y: string, name?: string) => makeNode('Relu', [x], [y], [], { name });
  it('cases 1 to 3: every node of the model has a name of its own', () => {
    const inner = (out: string) => graph({ outputs: [value(out, [2])], nodes: [relu('x', out, 'r')] });
    return checkPass(nameNodes, {
      name: '',
      model: () =>
        model({
          inputs: [value('b', [], 9), value('x', [2])],
          outputs: [value('y', [2]), value('z', [2])],
          nodes: [
            relu('x', 'p', 'r'),
            relu('p', 'z'),
            makeNode(
              'If',
              ['b'],
              ['y'],
              [a.graph('then_branch', inner('t')), a.graph('else_branch', inner('e'))],
            ),
            makeNode('Neg', ['p'], ['unread'], [], { name: 'Relu_z' }),
          ],
        }),
      changes: 4,
      check: (after) =>
        expect([...allNodes(after.graph)].map((n) => n.name)).toEqual([
          'r',
          'Relu_z_1',
          'If_y',
          'Relu_t',
          'Relu_e',
          'Relu_z',
        ]),
    });
  });
});

describe('remove-dead', () => {
  it('cases 1 to 4', () =>
    checkPass(removeDead, {
      name: '',
      model: () =>
        model({
          inputs: [value('x', [2]), value('unread', [2])],
          outputs: [value('y', [2])],
          initializers: [random('w', [2]), random('dead', [2])],
          valueInfo: [value('gone', [2]), value('p', [2])],
          nodes: [
            makeNode('Relu', ['x'], ['p']),
            makeNode('Add', ['p', 'w'], ['y']),
            makeNode('Neg', ['p'], ['d1']),
            makeNode('Mul', ['d1', 'dead'], ['d2']),
          ],
        }),
      changes: 4,
      ops: ['Relu', 'Add'],
      check: (after) => {
        expect(after.graph.initializers.map((t) => t.name)).toEqual(['w']);
        expect(after.graph.valueInfo.map((v) => v.name)).toEqual(['p']);
        expect(after.graph.inputs).toHaveLength(2);
      },
    }));

  it('keeps what nested graphs capture, and cleans inside them', () => {
    const branch = (out: string) =>
      graph({
        outputs: [value(out, [2])],
        initializers: [random('u', [2])],
        nodes: [makeNode('Add', ['p', 'w'], [out]), makeNode('Relu', ['p'], [`${out}_dead`])],
      });
    return checkPass(removeDead, {
      name: '',
      model: () =>
        model({
          inputs: [value('b', [], 9), value('x', [2])],
          outputs: [value('y', [2])],
          initializers: [random('w', [2])],
          nodes: [
            makeNode('Relu', ['x'], ['p']),
            makeNode(
              'If',
              ['b'],
              ['y'],
              [a.graph('then_branch', branch('t')), a.graph('else_branch', branch('e'))],
            ),
          ],
        }),
      changes: 4,
      ops: ['Relu', 'If'],
    });
  });
});

/** Zero padding is the same arithmetic; onnxruntime may sum in another order. */
const ORDER = 1e-6;
const padded = (
  pad: Parameters<typeof makeNode>,
  extra: {
    conv?: Parameters<typeof makeNode>[3];
    opset?: number;
    outputs?: string[];
    more?: [string, number[]][];
  } = {},
) =>
  model(
    {
      inputs: [value('x', [1, 3, 6, 6])],
      outputs: (extra.outputs ?? ['y']).map((name) => ({ name, type: { tensor: { elemType: 1 } } })),
      initializers: [
        random('w', [4, 3, 3, 3]),
        random('one', []),
        random('zero', [0]),
        ...(extra.more ?? []).map(([name, values]) => int64Tensor(name, [values.length], values)),
      ].map((t) => (t.name === 'zero' ? { ...t, dims: [], rawData: new Uint8Array(4) } : t)),
      nodes: [makeNode(...pad), makeNode('Conv', ['p', 'w'], ['y'], extra.conv)],
    },
    { opset: extra.opset },
  );
const SPATIAL: [string, number[]][] = [['pads', [0, 0, 1, 2, 0, 0, 3, 0]]];

const PADS: PassCase[] = [
  {
    name: 'case 1: opset 13, no value',
    model: () => padded(['Pad', ['x', 'pads'], ['p']], { more: SPATIAL }),
    changes: 1,
  },
  {
    name: 'case 1: opset 13, value 0',
    model: () => padded(['Pad', ['x', 'pads', 'zero'], ['p']], { more: SPATIAL }),
    changes: 1,
  },
  {
    name: 'case 1: added to the pads of the convolution',
    model: () =>
      padded(['Pad', ['x', 'pads'], ['p']], { more: SPATIAL, conv: [a.ints('pads', [1, 1, 1, 1])] }),
    changes: 1,
  },
  {
    name: 'case 1: auto_pad VALID',
    model: () =>
      padded(['Pad', ['x', 'pads'], ['p']], { more: SPATIAL, conv: [a.string('auto_pad', 'VALID')] }),
    changes: 1,
  },
  {
    name: 'case 1: opset 10 attributes',
    model: () => padded(['Pad', ['x'], ['p'], [a.ints('pads', SPATIAL[0][1])]], { opset: 10 }),
    changes: 1,
  },
  {
    name: 'case 2: another value',
    model: () => padded(['Pad', ['x', 'pads', 'one'], ['p']], { more: SPATIAL }),
    changes: 0,
  },
  {
    name: 'case 2: reflect',
    model: () => padded(['Pad', ['x', 'pads'], ['p'], [a.string('mode', 'reflect')]], { more: SPATIAL }),
    changes: 0,
  },
  {
    name: 'case 2: negative',
    model: () => padded(['Pad', ['x', 'pads'], ['p']], { more: [['pads', [0, 0, -1, 0, 0, 0, 0, 0]]] }),
    changes: 0,
  },
  {
    name: 'case 2: batch',
    model: () => padded(['Pad', ['x', 'pads'], ['p']], { more: [['pads', [1, 0, 1, 0, 0, 0, 0, 0]]] }),
    changes: 0,
  },
  {
    name: 'case 2: auto_pad SAME_UPPER',
    model: () =>
      padded(['Pad', ['x', 'pads'], ['p']], { more: SPATIAL, conv: [a.string('auto_pad', 'SAME_UPPER')] }),
    changes: 0,
  },
  {
    name: 'case 2: read elsewhere',
    model: () => padded(['Pad', ['x', 'pads'], ['p']], { more: SPATIAL, outputs: ['y', 'p'] }),
    changes: 0,
  },
];

describe('fold-pad', () => {
  it.each(PADS)('$name', (c) =>
    checkPass(foldPad, { ...c, ops: c.changes ? ['Conv'] : ['Pad', 'Conv'], tolerance: ORDER }),
  );
});
