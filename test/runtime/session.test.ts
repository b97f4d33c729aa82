import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type Dtype, dtypeNumber } from '../../src/ir/dtypes.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor, TypeInfo, ValueInfo } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { encodeModel, saveModel } from '../../src/onnx/index.js';
import { removeOnExit } from '../../src/onnx/leftovers.js';
import { openModel, openSession } from '../../src/runtime/index.js';
import type { TypedArray } from '../../src/runtime/types.js';
import { useFolder } from '../onnx/folder.js';
import { int, len } from '../onnx/wire.js';

const path = useFolder();

const tensor = (dtype: Dtype, dims: (number | string)[]): TypeInfo => ({
  tensor: {
    elemType: dtypeNumber(dtype),
    shape: { dims: dims.map((d) => (typeof d === 'number' ? { value: d } : d ? { param: d } : {})) },
  },
});
/** sequence(float32), which the IR keeps as wire bytes. */
const SEQUENCE: TypeInfo = { unknown: [len(4, len(1, len(1, int(1, 1))))] };

function modelOf(
  nodes: Node[],
  inputs: ValueInfo[],
  outputs: ValueInfo[],
  initializers: Tensor[] = [],
): Model {
  return {
    irVersion: 10,
    graph: { name: 'g', nodes, inputs, outputs, valueInfo: [], initializers, sparseInitializers: [] },
    opsetImports: [{ version: 21 }],
    metadata: [],
    functions: [],
  };
}

const identity = (type: TypeInfo, node = makeNode('Identity', ['x'], ['y'])): Model =>
  modelOf([node], [{ name: 'x', type }], [{ name: 'y', type }]);

test.each<[Dtype, TypedArray | string[]]>([
  ['float32', Float32Array.of(1.5, Number.NaN, -0)],
  ['float64', Float64Array.of(1 / 3, 2, 3)],
  ['float16', Uint16Array.of(0x3c00, 0x7e00, 0x8000)],
  ['uint8', Uint8Array.of(0, 1, 255)],
  ['int8', Int8Array.of(-128, 0, 127)],
  ['uint16', Uint16Array.of(0, 1, 65535)],
  ['int16', Int16Array.of(-32768, 0, 32767)],
  ['int32', Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1)],
  ['uint32', Uint32Array.of(0, 1, 2 ** 32 - 1)],
  ['int64', BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n)],
  ['uint64', BigUint64Array.of(0n, 1n, 2n ** 64n - 1n)],
  ['bool', Uint8Array.of(1, 0, 1)],
  ['string', ['', 'ä', '\u{1f600}']],
])('%s goes in and comes out unchanged', async (dtype, data) => {
  const session = await openModel(identity(tensor(dtype, [3])));
  expect(session.inputs).toEqual([{ name: 'x', dtype, dims: [3] }]);
  expect(await session.run({ x: { dtype, dims: [3], data } })).toEqual({ y: { dtype, dims: [3], data } });
  await session.release();
});

test('dimensions: numbers, names, unknown; rank 0', async () => {
  const session = await openModel(identity(tensor('float32', ['N', '', 4])));
  expect(session.inputs[0].dims).toEqual(['N', -1, 4]);
  await session.release();
  const scalar = await openModel(identity(tensor('float32', [])));
  expect(scalar.outputs[0].dims).toEqual([]);
  await scalar.release();
});

test('an output array that is given is written into, run after run', async () => {
  const session = await openModel(identity(tensor('float32', [4]), makeNode('Neg', ['x'], ['y'])), {
    threads: 1,
  });
  const given = new Float32Array(4);
  for (const value of [1, 2]) {
    const x = { dtype: 'float32' as const, dims: [4], data: new Float32Array(4).fill(value) };
    const out = await session.run({ x }, { y: { dtype: 'float32', dims: [4], data: given } });
    expect([...given]).toEqual(new Array(4).fill(-value));
    expect(out.y.data).toBe(given);
  }
  await session.release();
});

test('only the outputs that are asked for come back', async () => {
  const type = tensor('float32', [1]);
  const nodes = [makeNode('Neg', ['x'], ['a']), makeNode('Abs', ['x'], ['b'])];
  const session = await openModel(
    modelOf(
      nodes,
      [{ name: 'x', type }],
      ['a', 'b'].map((name) => ({ name, type })),
    ),
  );
  const x = { dtype: 'float32' as const, dims: [1], data: Float32Array.of(-3) };
  expect(Object.keys(await session.run({ x }))).toEqual(['a', 'b']);
  expect(Object.keys(await session.run({ x }, { b: null }))).toEqual(['b']);
  await session.release();
});

describe('values that the binding cannot pass', () => {
  const x: ValueInfo = { name: 'x', type: tensor('float32', [2]) };
  const sequence = makeNode('SequenceConstruct', ['x'], ['s']);
  const feeds = { x: { dtype: 'float32' as const, dims: [2], data: Float32Array.of(1, 2) } };

  test('a sequence among the outputs is left out', async () => {
    const session = await openModel(
      modelOf(
        [sequence, makeNode('Neg', ['x'], ['y'])],
        [x],
        [
          { name: 's', type: SEQUENCE },
          { name: 'y', type: x.type },
        ],
      ),
    );
    expect(session.outputs).toEqual([
      { name: 's', dims: [] },
      { name: 'y', dtype: 'float32', dims: [2] },
    ]);
    expect(Object.keys(await session.run(feeds))).toEqual(['y']);
    await expect(session.run(feeds, { s: null })).rejects.toMatchObject({
      code: 'OUTPUT_TYPE',
      kind: 'unsupported',
    });
    await session.release();
  });

  test.each([
    ['a sequence alone', [sequence], { name: 's', type: SEQUENCE }],
    [
      'a 4-bit tensor alone (the binding would end the process)',
      [makeNode('Cast', ['x'], ['q'], [makeAttribute.int('to', 22)])],
      { name: 'q', type: tensor('int4', [2]) },
    ],
  ])('%s', async (_, nodes, output) => {
    const session = await openModel(modelOf(nodes, [x], [output]));
    await expect(session.run(feeds)).rejects.toMatchObject({ code: 'OUTPUT_TYPE', kind: 'unsupported' });
    await session.release();
  });

  test.each(['bfloat16', 'float8e4m3fn', 'float8e5m2', 'uint2'] as const)(
    '%s at the edge of the model',
    async (dtype) => {
      const cast = makeNode('Cast', ['x'], ['y'], [makeAttribute.int('to', dtypeNumber(dtype))]);
      const model = {
        ...modelOf([cast], [x], [{ name: 'y', type: tensor(dtype, [2]) }]),
        irVersion: 12,
        opsetImports: [{ version: dtype === 'uint2' ? 25 : 21 }],
      };
      await expect(openModel(model)).rejects.toMatchObject({
        code: 'MODEL_REJECTED',
        kind: 'unsupported',
        message: expect.stringContaining(dtype),
      });
    },
  );
});

describe('errors', () => {
  const neg = identity(tensor('float32', [2]), makeNode('Neg', ['x'], ['y']));
  const feed = (dtype: Dtype, dims: number[], data: TypedArray) => ({ x: { dtype, dims, data } });

  test.each([
    ['no input', {}, /x/],
    ['the wrong shape', feed('float32', [3], new Float32Array(3)), /dimension/i],
    ['the wrong type', feed('int32', [2], new Int32Array(2)), /type/i],
    ['an array that is not of the type', feed('float32', [2], new Int32Array(2)), /type/i],
    ['dims that the data does not fill', feed('float32', [2], new Float32Array(5)), /size/i],
  ])('%s', async (_, feeds, message) => {
    const session = await openModel(neg);
    await expect(session.run(feeds)).rejects.toMatchObject({
      code: 'RUN_FAILED',
      kind: 'invalid',
      message: expect.stringMatching(message),
    });
    await session.release();
  });

  test.each([
    ['bytes that are no model', Uint8Array.of(1, 2, 3), 'invalid'],
    ['a file that is not there', 'no/such.onnx', 'invalid'],
    [
      'an operator that does not exist',
      encodeModel(identity(tensor('float32', [2]), makeNode('Nonsense', ['x'], ['y']))),
      'invalid',
    ],
    [
      'an operator without a kernel for the type',
      encodeModel(identity(tensor('bool', [2]), makeNode('Det', ['x'], ['y']))),
      'invalid',
    ],
  ])('%s', async (_, model, kind) => {
    await expect(openSession(model)).rejects.toMatchObject({ code: 'MODEL_REJECTED', kind });
  });

  test('a second release does nothing; a run after it is a bug here', async () => {
    const session = await openModel(neg);
    await session.release();
    await session.release();
    await expect(session.run({})).rejects.toMatchObject({ code: 'SESSION_RELEASED', kind: 'bug' });
  });
});

describe('external tensors', () => {
  const add = (): Model =>
    modelOf(
      [makeNode('Add', ['x', 'w'], ['y'])],
      [{ name: 'x', type: tensor('float32', [500]) }],
      [{ name: 'y', type: tensor('float32', [500]) }],
      [floatTensor('w', [500], new Float32Array(500).fill(1))],
    );
  const feeds = { x: { dtype: 'float32' as const, dims: [500], data: new Float32Array(500).fill(2) } };
  const ours = () => readdirSync(tmpdir()).filter((f) => /^quantize-[A-Za-z0-9]{6}$/.test(f));

  test('a file with external data opens by its path', async () => {
    await saveModel(add(), path('m.onnx'), { external: true });
    const session = await openSession(path('m.onnx'));
    expect((await session.run(feeds)).y.data[499]).toBe(3);
    await session.release();
  });

  test('a model too large for memory goes through a folder that is gone afterwards', async () => {
    const before = ours();
    const session = await openModel(add(), {}, 1000);
    expect(ours().length).toBe(before.length + 1);
    expect((await session.run(feeds)).y.data[0]).toBe(3);
    await session.release();
    expect(ours()).toEqual(before);
  });

  test('also when onnxruntime rejects the model', async () => {
    const before = ours();
    const model = add();
    model.graph.nodes[0].opType = 'Nonsense';
    await expect(openModel(model, {}, 1000)).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
    expect(ours()).toEqual(before);
  });

  test('and when the process exits first', () => {
    writeFileSync(path('left'), 'x');
    const known = new Set(process.listeners('exit'));
    removeOnExit(path('left'));
    const added = process.listeners('exit').filter((f) => !known.has(f));
    // Registered once for all leftovers: by an earlier test of this file, or just now.
    const handlers = added.length ? added : [...known].filter((f) => f.name === 'removeAll');
    for (const handler of handlers) handler(0);
    expect(existsSync(path('left'))).toBe(false);
  });
});
