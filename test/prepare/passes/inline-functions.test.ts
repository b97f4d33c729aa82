import { describe, expect, it } from 'vitest';
import { makeAttribute as a, cloneModel, makeNode, opsetVersion } from '../../../src/ir/graph.js';
import type { FunctionDef, Model, Node } from '../../../src/ir/model.js';
import { inlineFunctions } from '../../../src/prepare/passes/inline-functions.js';
import { checkPass, graph, model, type PassCase, random, relativeError, run, value } from '../helpers.js';

const fn = (name: string, parts: Partial<FunctionDef> & { nodes: Node[] }): FunctionDef => ({
  name,
  domain: 'local',
  inputs: ['p'],
  outputs: ['q'],
  attributes: [],
  attributeDefaults: [],
  opsetImports: [{ domain: '', version: 13 }],
  valueInfo: [],
  ...parts,
});
const call = (op: string, inputs: string[], outputs: string[], attributes: Node['attributes'] = []): Node =>
  makeNode(op, inputs, outputs, attributes, { domain: 'local', name: `call_${outputs[0]}` });
const reference = (attribute: ReturnType<typeof a.float>, to: string) => ({
  ...attribute,
  f: undefined,
  i: undefined,
  refAttrName: to,
});

const local = (functions: FunctionDef[], nodes: Node[], opset = 13): Model => {
  const m = model(
    {
      inputs: [value('x', [2, 3])],
      outputs: [value('y', undefined)],
      initializers: [random('w', [3])],
      nodes,
    },
    { functions, opset },
  );
  m.opsetImports.push({ domain: 'local', version: 1 });
  return m;
};

const double = fn('Double', { nodes: [makeNode('Add', ['p', 'p'], ['q'])] });
const leaky = fn('Leaky', {
  attributes: [],
  attributeDefaults: [a.float('slope', 0.25)],
  nodes: [
    makeNode('LeakyRelu', ['p'], ['t'], [reference(a.float('alpha', 0), 'slope')]),
    call('Double', ['t'], ['q']),
  ],
  opsetImports: [
    { domain: '', version: 13 },
    { domain: 'local', version: 1 },
  ],
});
const conditional = fn('Choose', {
  inputs: ['p', 'c'],
  nodes: [
    makeNode('ReduceSum', ['c'], ['s'], [a.int('keepdims', 0)]),
    makeNode('Cast', ['s'], ['b'], [a.int('to', 9)]),
    makeNode('Neg', ['p'], ['t']),
    makeNode(
      'If',
      ['b'],
      ['q'],
      [
        a.graph(
          'then_branch',
          graph({ outputs: [value('r', undefined)], nodes: [makeNode('Abs', ['t'], ['r'])] }),
        ),
        a.graph(
          'else_branch',
          graph({ outputs: [value('r', undefined)], nodes: [call('Double', ['t'], ['r'])] }),
        ),
      ],
    ),
  ],
  opsetImports: leaky.opsetImports,
});

const CASES: PassCase[] = [
  {
    name: 'case 1: called twice, inner names stay apart',
    model: () => local([leaky, double], [call('Leaky', ['x'], ['t']), call('Leaky', ['t'], ['y'])]),
    changes: 4,
    ops: ['LeakyRelu', 'Add', 'LeakyRelu', 'Add'],
    check: (after) => {
      expect(after.functions).toEqual([]);
      expect(new Set(after.graph.nodes.flatMap((n) => n.outputs)).size).toBe(4);
    },
  },
  {
    name: 'attributes: the call wins over the default',
    model: () => local([leaky, double], [call('Leaky', ['x'], ['y'], [a.float('slope', 0.5)])]),
    changes: 2,
    check: (after) => expect(after.graph.nodes[0].attributes[0]).toMatchObject({ name: 'alpha', f: 0.5 }),
  },
  {
    name: 'attributes: without value or default they go',
    model: () =>
      local(
        [
          fn('Soft', {
            attributes: ['axis'],
            nodes: [makeNode('Softmax', ['p'], ['q'], [reference(a.float('axis', 0), 'axis')])],
          }),
        ],
        [call('Soft', ['x'], ['y'])],
      ),
    changes: 1,
    check: (after) => expect(after.graph.nodes[0].attributes).toEqual([]),
  },
  {
    name: 'nested graphs in the body, with a call inside',
    model: () =>
      local([conditional, double], [call('Choose', ['x', 'w'], ['t']), call('Choose', ['t', 'w'], ['y'])]),
    changes: 4,
    ops: ['ReduceSum', 'Cast', 'Neg', 'If', 'ReduceSum', 'Cast', 'Neg', 'If'],
  },
  {
    name: 'an omitted optional input and an unused output',
    model: () =>
      local(
        [
          fn('Bound', {
            inputs: ['p', 'low', 'high'],
            outputs: ['q', 'unused'],
            nodes: [makeNode('Clip', ['p', 'low', 'high'], ['q']), makeNode('Neg', ['p'], ['unused'])],
          }),
        ],
        [call('Bound', ['x'], ['y', 'z'])],
      ),
    changes: 1,
    check: (after) => expect(after.graph.nodes[0].inputs).toEqual(['x', '', '']),
  },
];

describe('inline-functions', () => {
  it.each(CASES)('$name', (c) => checkPass(inlineFunctions, c));

  it('case 1: overloads', async () => {
    const other = { ...fn('Double', { nodes: [makeNode('Neg', ['p'], ['q'])] }), overload: 'b' };
    const m = local([double, other], [{ ...call('Double', ['x'], ['y']), overload: 'b' }]);
    await inlineFunctions.run(m, {});
    expect(m.graph.nodes.map((n) => n.opType)).toEqual(['Neg']);
  });

  /** Softmax changed its meaning at 13: on [2, 3, 4] it normalises 12 values before, 4 after. */
  const soft = (version: number) =>
    fn('Soft', {
      opsetImports: [{ domain: '', version }],
      nodes: [makeNode('Softmax', ['p'], ['q'], [a.int('axis', 1)])],
    });
  const spread = (version: number, opset: number): Model => {
    const m = local([soft(version)], [call('Soft', ['x'], ['t']), makeNode('Relu', ['t'], ['y'])], opset);
    m.graph.inputs = [value('x', [2, 3, 4])];
    return m;
  };
  const alone = (version: number): Model =>
    model(
      {
        inputs: [value('x', [2, 3, 4])],
        outputs: [value('y', undefined)],
        nodes: [makeNode('Softmax', ['x'], ['y'], [a.int('axis', 1)])],
      },
      { opset: version },
    );

  it.each([
    { body: 11, opset: 13, result: 13 },
    { body: 13, opset: 11, result: 13 },
  ])('case 2: body at opset $body in a model at opset $opset', async ({ body, opset, result }) => {
    const m = spread(body, opset);
    const { changes } = await inlineFunctions.run(m, {});
    expect([changes, m.functions.length, opsetVersion(m)]).toEqual([1, 0, result]);
    expect(relativeError(await run(alone(body)), await run(m))).toBe(0);
  });

  it('case 3: versions that cannot be reconciled: the call stays, with a warning', async () => {
    const odd = fn('Odd', {
      opsetImports: [{ domain: 'com.microsoft', version: 9 }],
      nodes: [makeNode('Gelu', ['p'], ['q'], [], { domain: 'com.microsoft' })],
    });
    const m = local([odd, double], [call('Odd', ['x'], ['t']), call('Double', ['t'], ['y'])]);
    m.opsetImports.push({ domain: 'com.microsoft', version: 1 });
    const result = await inlineFunctions.run(m, {});
    expect([result.changes, m.functions.map((f) => f.name)]).toEqual([1, ['Odd']]);
    expect(result.diagnostics).toMatchObject([{ code: 'FUNCTION_KEPT', level: 'warning' }]);
  });

  it('case 4: recursion and explosion are refused', () => {
    const self = fn('Self', { nodes: [call('Self', ['p'], ['q'])] });
    expect(() => inlineFunctions.run(local([self], [call('Self', ['x'], ['y'])]), {})).toThrow(
      expect.objectContaining({ code: 'FUNCTION_RECURSION', kind: 'invalid' }),
    );
    const chain = Array.from({ length: 30 }, (_, i) =>
      fn(`F${i}`, {
        nodes:
          i === 0
            ? [makeNode('Neg', ['p'], ['q'])]
            : [call(`F${i - 1}`, ['p'], ['t']), call(`F${i - 1}`, ['t'], ['q'])],
      }),
    );
    expect(() => inlineFunctions.run(local(chain, [call('F29', ['x'], ['y'])]), {})).toThrow(
      expect.objectContaining({ code: 'FUNCTION_EXPANSION', kind: 'unsupported' }),
    );
  });

  it('an output that is an input, or is not wanted', async () => {
    const pass = fn('Pass', { outputs: ['q', 'p', 'q'], nodes: [makeNode('Neg', ['p'], ['q'])] });
    const m = local([pass], [call('Pass', ['x'], ['', 'u', 'v']), makeNode('Add', ['u', 'v'], ['y'])]);
    await inlineFunctions.run(m, {});
    expect(m.graph.nodes.map((n) => [n.opType, ...n.inputs])).toEqual([
      ['Neg', 'x'],
      ['Identity', 'x'],
      ['Add', 'u', 'v'],
    ]);
    expect(Object.keys(await run(m))).toEqual(['y']);
  });

  it('leaves the functions of the model it was cloned from alone', async () => {
    const m = local([conditional, double], [call('Choose', ['x', 'w'], ['y'])]);
    const before = JSON.stringify(m, (_, v) => (typeof v === 'bigint' ? `${v}n` : v));
    await inlineFunctions.run(cloneModel(m), {});
    expect(JSON.stringify(m, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))).toBe(before);
  });
});
