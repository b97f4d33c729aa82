import { describe, expect, it } from 'vitest';
import { QuantizeError } from '../../../src/errors.js';
import { allNodes, intAttribute, opsetVersion, usedNames } from '../../../src/ir/graph.js';
import type { FunctionDef, Model, Node } from '../../../src/ir/model.js';
import { halfToFloat, tensorDtype } from '../../../src/ir/tensor.js';
import { upgradeOpset } from '../../../src/prepare/opset/index.js';
import type { TensorValue } from '../../../src/runtime/types.js';
import { buildModel, type Case, float, graph, node, random, tensor, valueInfo } from './build.js';

const model = (opset: number, nodes: Node[], extra: Partial<Case> = {}): Model =>
  buildModel({ name: '', opset, nodes, inputs: { x: random(2, 3) }, ...extra });
const opTypes = (m: Model) => m.graph.nodes.map((n) => n.opType);
const code = (act: () => unknown): string => {
  try {
    act();
    return 'no error';
  } catch (error) {
    return error instanceof QuantizeError ? `${error.kind} ${error.code}` : String(error);
  }
};
const fn = (version: number, ...nodes: Node[]): FunctionDef => ({
  name: 'F',
  domain: 'mine',
  inputs: ['a'],
  outputs: ['b'],
  attributes: [],
  attributeDefaults: [],
  nodes,
  opsetImports: [{ domain: '', version }],
  valueInfo: [],
});
const withFunction = (m: Model, f: FunctionDef): Model => ({ ...m, functions: [f] });
const relu = node('Relu', 'x', 'y');

describe('what is refused and what is not', () => {
  const squeeze = node('Squeeze', 'a', 'b', { axes: [0] });
  const normalise = node('BatchNormalization', 'x s b m v', 'y mean');
  it.each<[string, () => unknown, string]>([
    ['Add of 6', () => upgradeOpset(model(6, [node('Add', 'x x', 'y')]), 13), 'unsupported OPSET_TOO_OLD'],
    ['Relu of 1', () => upgradeOpset(model(1, [relu]), 13), 'unsupported OPSET_TOO_OLD'],
    ['Relu of 6, unchanged until 7', () => upgradeOpset(model(6, [relu]), 13), 'no error'],
    [
      'no opset at all',
      () => upgradeOpset({ ...model(1, [relu]), opsetImports: [] }, 13),
      'unsupported OPSET_TOO_OLD',
    ],
    ['target 7', () => upgradeOpset(model(7, [relu]), 7), 'unsupported OPSET_TARGET'],
    ['target 26', () => upgradeOpset(model(7, [relu]), 26), 'unsupported OPSET_TARGET'],
    ['target 13.5', () => upgradeOpset(model(7, [relu]), 13.5), 'unsupported OPSET_TARGET'],
    [
      'a function that changes',
      () => upgradeOpset(withFunction(model(9, [relu]), fn(9, squeeze)), 13),
      'unsupported OPSET_FUNCTION',
    ],
    [
      'a function that does not',
      () => upgradeOpset(withFunction(model(9, [relu]), fn(9, squeeze)), 12),
      'no error',
    ],
    [
      'training outputs in use',
      () => upgradeOpset(model(9, [normalise], { outputs: ['y', 'mean'] }), 14),
      'unsupported OPSET_TRAINING',
    ],
    [
      'training outputs unused',
      () => upgradeOpset(model(9, [normalise], { outputs: ['y'] }), 14),
      'no error',
    ],
    [
      'Scan-8 with lengths to 12',
      () =>
        upgradeOpset(
          model(8, [node('Scan', 'n x', 'y', { num_scan_inputs: 1, body: graph([], [], []) })]),
          12,
        ),
      'unsupported OPSET_SCAN_LENGTHS',
    ],
  ])('%s', (_name, act, expected) => {
    expect(code(act)).toBe(expected);
  });
});

describe('the declared versions', () => {
  it('returns a model at or above the target as it is', () => {
    const given = model(15, [relu]);
    expect(upgradeOpset(given, 13)).toEqual({ model: given, changes: 0, diagnostics: [] });
    expect(upgradeOpset(given, 15).model).toBe(given);
  });

  it('raises ai.onnx under either name and leaves other domains', () => {
    const given = model(9, [relu]);
    given.opsetImports = [
      { domain: 'com.microsoft', version: 1 },
      { domain: 'ai.onnx', version: 9 },
    ];
    expect(upgradeOpset(given, 13).model.opsetImports).toEqual([
      { domain: '', version: 13 },
      { domain: 'com.microsoft', version: 1 },
    ]);
  });

  it('adds ai.onnx to a model of other domains', () => {
    const given = {
      ...model(9, [{ ...relu, domain: 'ai.onnx.ml' }]),
      opsetImports: [{ domain: 'ai.onnx.ml', version: 2 }],
    };
    const { model: upgraded, changes } = upgradeOpset(given, 19);
    expect([opsetVersion(upgraded), changes]).toEqual([19, 0]);
  });

  it.each([
    [3, 13, 7, ['x']],
    [3, 21, 10, ['x']],
    [4, 13, 7, ['x', 'w']],
    [11, 13, 11, ['x', 'w']],
  ])('IR %i at opset %i becomes IR %i with inputs %j', (ir, to, raised, inputs) => {
    const given = model(8, [node('Add', 'x w', 'y')], { constants: { w: tensor([3], [1, 2, 3]) } });
    given.irVersion = ir;
    given.graph.inputs.push(valueInfo('w', 'float32', [3]));
    const { model: upgraded } = upgradeOpset(given, to);
    expect(upgraded.irVersion).toBe(raised);
    expect(upgraded.graph.inputs.map((v) => v.name)).toEqual(inputs);
  });
});

describe('the edits', () => {
  it('leaves other domains and unknown operators alone', () => {
    const foreign = { ...node('Squeeze', 'x', 'a', { axes: [0] }), domain: 'mine' };
    const unknown = node('NoSuchOperator', 'a', 'y', { axes: [0] });
    const { model: upgraded, changes } = upgradeOpset(model(9, [foreign, unknown]), 21);
    expect(changes).toBe(0);
    expect(upgraded.graph.nodes).toEqual([foreign, unknown]);
  });

  it('keeps the name of a layer that several nodes replace', () => {
    const named = { ...node('Softmax', 'v', 'y', { axis: 0 }), name: 'probabilities' };
    const unknownShape = model(9, [node('Unknown', 'x', 'v'), named]);
    const nodes = upgradeOpset(unknownShape, 13).model.graph.nodes;
    expect(nodes.find((n) => n.name === 'probabilities')?.opType).toBe('Softmax');
    const affine = { ...node('Affine', 'x', 'y'), name: 'affine' };
    expect(upgradeOpset(model(9, [affine]), 13).model.graph.nodes.map((n) => n.name)).toEqual([
      undefined,
      'affine',
    ]);
  });

  it('invents no name that a nested graph uses', () => {
    const body = graph([node('Identity', 'x', 'y_axes')], [], [valueInfo('y_axes')]);
    const given = model(9, [
      node('Unsqueeze', 'x', 'y', { axes: [0] }),
      node('If', 'c', 'z', { then_branch: body, else_branch: body }),
    ]);
    const { graph: upgraded } = upgradeOpset(given, 13).model;
    expect(upgraded.initializers.map((t) => t.name)).toEqual(['y_axes_1']);
    expect(usedNames(upgraded).has('y_axes')).toBe(true);
  });

  it('puts constants into the graph where the node lives', () => {
    const body = () => graph([node('Squeeze', 'x', 'inner', { axes: [0] })], [], [valueInfo('inner')]);
    const given = model(9, [node('If', 'c', 'z', { then_branch: body(), else_branch: body() })]);
    const { graph: upgraded } = upgradeOpset(given, 13).model;
    expect(upgraded.initializers).toEqual([]);
    expect(upgraded.nodes[0].attributes.map((a) => a.g?.initializers.length)).toEqual([1, 1]);
  });

  it.each<[string, Node[], string[]]>([
    ['last axis of a known rank', [node('Softmax', 'x', 'y')], ['Softmax']],
    [
      'not the last axis',
      [node('Softmax', 'x', 'y', { axis: 0 })],
      ['Shape', 'Flatten', 'Softmax', 'Reshape'],
    ],
    [
      'rank told by the producers',
      [node('Gemm', 'x w', 'g'), node('Relu', 'g', 'r'), node('Softmax', 'r', 'y')],
      ['Gemm', 'Relu', 'Softmax'],
    ],
    [
      'rank unknown',
      [node('Unknown', 'x', 'u'), node('Softmax', 'u', 'y')],
      ['Unknown', 'Shape', 'Flatten', 'Softmax', 'Reshape'],
    ],
    [
      'scores of an attention, scaled',
      [
        node('Transpose', 'q', 'a', { perm: [0, 2, 1, 3] }),
        node('Transpose', 'k', 'b', { perm: [0, 2, 3, 1] }),
        node('MatMul', 'a b', 'm'),
        node('Mul', 'm scale', 's'),
        node('Softmax', 's', 'y', { axis: 3 }),
      ],
      ['Transpose', 'Transpose', 'MatMul', 'Mul', 'Softmax'],
    ],
    [
      'scores of which one side is unknown',
      [
        node('Transpose', 'q', 'a', { perm: [0, 2, 1] }),
        node('MatMul', 'a k', 'm'),
        node('Softmax', 'm', 'y', { axis: 2 }),
      ],
      ['Transpose', 'MatMul', 'Shape', 'Flatten', 'Softmax', 'Reshape'],
    ],
  ])('Softmax, %s', (_name, nodes, expected) => {
    const scale: TensorValue = { dtype: 'float32', dims: [], data: Float32Array.of(0.5) };
    const given = model(9, nodes, { constants: { scale } });
    expect(opTypes(upgradeOpset(given, 13).model)).toEqual(expected);
  });

  it('uses the one wide axis of a Softmax', () => {
    const given = model(9, [node('Softmax', 'x', 'y')], { inputs: { x: random(2, 5, 1, 1) } });
    const [softmax] = upgradeOpset(given, 13).model.graph.nodes;
    expect(intAttribute(softmax, 'axis', 99)).toBe(1);
  });
});

describe('scales of a Resize-10', () => {
  it.each([
    ['constant', 3, true, ['Resize']],
    ['a constant, listed as input in an old file', 3, false, ['Resize']],
    ['a default that the caller may override', 4, false, ['Max', 'Min', 'Resize', 'Resize']],
  ])('%s', (_name, ir, hidden, expected) => {
    const given = model(10, [node('Resize', 'x s', 'y')], { constants: { s: tensor([2], [1, 2]) } });
    given.irVersion = ir;
    if (!hidden) given.graph.inputs.push(valueInfo('s', 'float32', [2]));
    expect(opTypes(upgradeOpset(given, 13).model)).toEqual(expected);
  });
});

describe('element types of new constants', () => {
  const foreign = (output: string) => ({ ...node('Cast', 'x', output), domain: 'mine' });
  const clip = node('Clip', 'v', 'y', { min: float(0.1) });
  it.each<[string, Node[], string, number]>([
    ['Cast', [node('Cast', 'x', 'v', { to: 10 })], 'float16', 0],
    ['a shape-keeping chain', [node('Cast', 'x', 'h', { to: 10 }), node('Relu', 'h', 'v')], 'float16', 0],
    ['the second input of Where', [node('Where', 'c x x', 'v')], 'float32', 0],
    ['an operator of another domain', [foreign('v')], 'float32', 1],
    ['one behind others', [foreign('u'), node('Relu', 'u', 'v')], 'float32', 1],
  ])('%s', (_name, before, dtype, warnings) => {
    const { model: upgraded, diagnostics } = upgradeOpset(model(9, [...before, clip]), 13);
    expect(upgraded.graph.initializers.map(tensorDtype)).toEqual([dtype]);
    expect(diagnostics.map((d) => d.code)).toEqual(Array(warnings).fill('OPSET_TYPE_UNKNOWN'));
  });

  it.each([
    [0.1, 0x2e66],
    [-65504, 0xfbff],
    [65520, 0x7c00],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [1.5 * 2 ** -24, 2],
    [6.097555160522461e-5, 0x03ff],
    [2047.5 / 2048, 0x3c00],
    [0, 0],
  ])('rounds %d to the nearest float16', (value, bits) => {
    const given = model(9, [
      node('Cast', 'x', 'v', { to: 10 }),
      node('Clip', 'v', 'y', { max: float(value) }),
    ]);
    const [bound] = upgradeOpset(given, 13).model.graph.initializers;
    const stored = new Uint16Array(bound.rawData!.slice().buffer)[0];
    expect([stored, halfToFloat(stored)]).toEqual([bits, halfToFloat(bits)]);
  });

  it('finds the type of a value of the outer graph', () => {
    const body = () =>
      graph([node('Clip', 'h', 'inner', { max: float(1) })], [], [valueInfo('inner', 'float16')]);
    const given = model(9, [
      node('Cast', 'x', 'h', { to: 10 }),
      node('If', 'c', 'z', { then_branch: body(), else_branch: body() }),
    ]);
    const upgraded = upgradeOpset(given, 13);
    expect(upgraded.diagnostics).toEqual([]);
    expect([...allNodes(upgraded.model.graph)].filter((n) => n.opType === 'Clip')).toHaveLength(2);
  });
});

describe('warnings', () => {
  it.each([
    ['floor', []],
    ['ceil', ['OPSET_RESIZE_MODE']],
  ])('tf_half_pixel_for_nn with %s', (nearest_mode, codes) => {
    const resize = node('Resize', 'x r s', 'y', {
      coordinate_transformation_mode: 'tf_half_pixel_for_nn',
      nearest_mode,
    });
    expect(upgradeOpset(model(11, [resize]), 13).diagnostics.map((d) => d.code)).toEqual(codes);
  });

  it.each([
    [16, 21, []],
    [16, 23, ['OPSET_NO_KERNEL']],
    [22, 23, []],
  ])('GlobalLpPool from %i to %i', (from, to, codes) => {
    const { diagnostics } = upgradeOpset(model(from, [node('GlobalLpPool', 'x', 'y')]), to);
    expect(diagnostics.map((d) => d.code)).toEqual(codes);
  });
});
