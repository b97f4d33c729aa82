import { describe, expect, it } from 'vitest';
import { makeAttribute as a, makeNode, opsetVersion } from '../../src/ir/graph.js';
import type { Model, Node } from '../../src/ir/model.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { PASSES, prepare, refuseQuantized } from '../../src/prepare/index.js';
import { graph, model, random, relativeError, run, value } from './helpers.js';

const parameters = ['s', 'b', 'm', 'v'].map((name) => random(name, [4], 3, 1.5));
const bn = makeNode('BatchNormalization', ['c2', 's', 'b', 'm', 'v'], ['n']);

/** A bit of everything: each fold makes room for the next. */
const messy = (): Model =>
  model(
    {
      inputs: [value('x', ['n', 3, 8, 8]), value('w', [4, 27])],
      outputs: [value('y', ['n', 4])],
      initializers: [random('w', [4, 27]), ...parameters],
      nodes: [
        makeNode('Constant', [], ['to'], [a.tensor('value', int64Tensor('', [4], [4, 3, 3, 3]))]),
        makeNode('Reshape', ['w', 'to'], ['w4']),
        makeNode('Identity', ['w4'], ['w5']),
        makeNode('Pad', ['x'], ['p'], [a.ints('pads', [0, 0, 1, 1, 0, 0, 1, 1])]),
        makeNode('Conv', ['p', 'w5'], ['c']),
        makeNode('Dropout', ['c'], ['c2']),
        bn,
        makeNode('Constant', [], ['two'], [a.tensor('value', random('', [1], 2))]),
        makeNode('Mul', ['n', 'two'], ['n2']),
        makeNode('Relu', ['n2'], ['r']),
        makeNode('GlobalAveragePool', ['r'], ['g']),
        makeNode('Flatten', ['g'], ['y']),
        makeNode('Neg', ['g'], ['dead']),
      ],
    },
    { opset: 9, irVersion: 3 },
  );

describe('prepare', () => {
  it('leaves what has to be computed, and nothing on a second time', async () => {
    const before = messy();
    const first = await prepare(before);
    expect(before).toEqual(messy());
    expect(first.model.graph.nodes.map((n) => n.opType)).toEqual([
      'Conv',
      'Relu',
      'GlobalAveragePool',
      'Flatten',
    ]);
    expect(first.model.graph.initializers).toHaveLength(2);
    expect(first.model.graph.nodes.every((n) => n.name)).toBe(true);
    // Each weight is rounded once by each of two folds; sums of 27 products.
    expect(relativeError(await run(before), await run(first.model))).toBeLessThanOrEqual(2e-6);
    const second = await prepare(first.model);
    expect(second.passes.filter((p) => p.changes > 0)).toEqual([]);
    expect(second.model).toEqual(first.model);
  });

  it.each([13, 19, 21])('to opset %i', async (opset) => {
    const { model: after } = await prepare(messy(), { opset });
    expect(opsetVersion(after)).toBe(opset);
    expect(relativeError(await run(messy()), await run(after))).toBeLessThanOrEqual(2e-6);
    expect((await prepare(after, { opset })).passes.every((p) => p.changes === 0)).toBe(true);
  });

  it('a lower opset than the model has changes nothing', async () => {
    expect(opsetVersion((await prepare(messy(), { opset: 7 })).model)).toBe(9);
  });

  it('passes have ids of their own and a reason', () => {
    expect(new Set(PASSES.map((p) => p.id)).size).toBe(PASSES.length);
    expect(PASSES.every((p) => p.description.endsWith('.'))).toBe(true);
  });
});

describe('refuseQuantized', () => {
  const q = makeNode('QuantizeLinear', ['x', 's'], ['q'], [], { name: 'first' });
  const wrap = (nodes: Node[]) => model({ nodes });
  const inside = makeNode('If', ['b'], ['y'], [a.graph('then_branch', graph({ nodes: [q] }))]);
  const microsoft = (op: string) => makeNode(op, [], ['out'], [], { domain: 'com.microsoft' });

  it.each([
    ['in the main graph', wrap([q])],
    ['in a nested graph', wrap([inside])],
    [
      'in a function',
      {
        ...wrap([]),
        functions: [
          {
            inputs: [],
            outputs: [],
            attributes: [],
            attributeDefaults: [],
            opsetImports: [],
            valueInfo: [],
            nodes: [q],
          },
        ],
      },
    ],
    ['of another domain', wrap([microsoft('QLinearAdd')])],
    ['weight-only', wrap([microsoft('MatMulNBits')])],
    ['integer', wrap([makeNode('ConvInteger', [], ['out'])])],
  ])('refuses operators %s', async (_, m) => {
    expect(() => refuseQuantized(m)).toThrow(
      expect.objectContaining({ code: 'ALREADY_QUANTIZED', kind: 'unsupported', exitCode: 4 }),
    );
    await expect(prepare(m)).rejects.toMatchObject({ code: 'ALREADY_QUANTIZED' });
  });

  it('names the first and says how many', () => {
    expect(() => refuseQuantized(wrap([q, { ...q, name: 'second' }]))).toThrow(/2 such operators.*"first"/);
  });

  it('lets a float model through', () => expect(() => refuseQuantized(messy())).not.toThrow());
});
