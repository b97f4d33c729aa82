import { describe, expect, it } from 'vitest';
import { BlobWriter, readBlob } from '../../../src/emit/mlpackage/blob.js';
import { legalName, Names } from '../../../src/emit/mlpackage/names.js';
import { readProgram } from '../../../src/emit/mlpackage/read.js';
import { dequantized, reorderRows, transposeWeight, type Weight } from '../../../src/emit/weight.js';
import { buildModel, node, random, tensor } from '../../prepare/opset/build.js';
import { packaged } from './export.js';

describe('names', () => {
  it.each([
    ['conv1', 'conv1'],
    ['a/b:0', 'a_b_0'],
    ['33', '_33'],
    ['', '_'],
    ['int8', 'int8_'],
    ['é', '_'],
  ])('%s → %s', (given, legal) => expect(legalName(given)).toBe(legal));

  it('come once each', () => {
    const names = new Names();
    expect(['a/b', 'a:b', 'a_b_1'].map((n) => names.fresh(n))).toEqual(['a_b', 'a_b_1', 'a_b_1_1']);
  });
});

describe('weight.bin', () => {
  const blob = (...bytes: number[]) => ({ type: 4, bytes: Uint8Array.from(bytes), paddingBits: 0 });

  it('holds records and data on boundaries of 64 bytes, equal data once', () => {
    const writer = new BlobWriter();
    expect([
      writer.add(blob(1, 2, 3), 'a'),
      writer.add(blob(4), 'b'),
      writer.add(blob(1, 2, 3), 'a'),
    ]).toEqual([64, 192, 64]);
    const file = Buffer.concat(writer.finish()!);
    expect([file.readUInt32LE(0), file.readUInt32LE(4), file.length]).toEqual([2, 2, 257]);
    expect(file.readUInt32LE(64)).toBe(0xdeadbeef);
    expect(readBlob(new Uint8Array(file), 192).bytes).toEqual(Uint8Array.of(4));
  });

  it('is not written without an entry', () => expect(new BlobWriter().finish()).toBeUndefined());

  it.each([0, 63, 1000])('has nothing at byte %s', (offset) => {
    const writer = new BlobWriter();
    writer.add(blob(1), 'a');
    const file = new Uint8Array(Buffer.concat(writer.finish()!));
    expect(() => readBlob(file, offset)).toThrow(expect.objectContaining({ code: 'PACKAGE_DAMAGED' }));
  });
});

describe('weights in another layout', () => {
  const weight: Weight = {
    dims: [2, 3],
    data: Int8Array.of(1, 2, 3, 4, 5, 6),
    quantized: { dtype: 'int8', dims: [2, 1], scale: Float32Array.of(1, 10) },
  };
  it.each<[string, Weight, number[]]>([
    ['as they are', weight, [1, 2, 3, 40, 50, 60]],
    ['transposed', transposeWeight(weight, [1, 0]), [1, 40, 2, 50, 3, 60]],
    ['with rows in another order', reorderRows(weight, [1, 0]), [40, 50, 60, 1, 2, 3]],
  ])('%s', (_, moved, values) => expect(Array.from(dequantized(moved))).toEqual(values));
});

const relu = (name: string) =>
  buildModel({ name, opset: 16, nodes: [node('Relu', name, 'y')], inputs: { [name]: random(1, 3, 4, 4) } });

describe('the interface', () => {
  const file = async (model = relu('a/b'), settings = {}) => {
    const { files } = await packaged(model, settings);
    return readProgram(new Uint8Array(Buffer.concat(files[1].chunks))).program;
  };

  it.each(['fp16', 'fp32'] as const)('is %s as asked', async (io) => {
    const { inputs, outputs } = await file(relu('a/b'), { io });
    expect(inputs.map((v) => [v.name, v.dtype])).toEqual([['a_b', io]]);
    expect(outputs.map((v) => [v.name, v.dtype])).toEqual([['y', io]]);
  });

  it('takes pictures, scale and bias inside', async () => {
    const image = { color: 'bgr', factor: [1 / 255], offset: [-1, -2, -3] } as const;
    const { inputs, operations } = await file(relu('x'), {
      image: { ...image, factor: [...image.factor], offset: [...image.offset] },
    });
    expect(inputs[0]).toMatchObject({ dtype: 'fp32', dims: [1, 3, 4, 4] });
    expect(operations.map((o) => o.type).filter((t) => t !== 'const')).toEqual([
      'cast',
      'mul',
      'add',
      'relu',
    ]);
  });
});

it('a picture is refused where no input can be one', async () => {
  const model = buildModel({
    name: 'x',
    opset: 16,
    nodes: [node('Relu', 'a', 'y')],
    inputs: { a: random(3, 4) },
  });
  const image = { color: 'rgb' as const, factor: [1], offset: [0] };
  await expect(packaged(model, { image })).rejects.toMatchObject({ kind: 'usage', code: 'IMAGE_INPUT' });
});

describe('what has no form in Core ML is refused by name', () => {
  const cases: [
    says: RegExp,
    nodes: ReturnType<typeof node>[],
    inputs: Parameters<typeof buildModel>[0]['inputs'],
    constants?: Parameters<typeof buildModel>[0]['constants'],
  ][] = [
    [/no form of NonZero, Det$/, [node('NonZero', 'a', 'n'), node('Det', 'a', 'y')], { a: random(3, 3) }],
    [
      /Reshape.*5 axes at most/,
      [node('Reshape', 'a shape', 'r'), node('Relu', 'r', 'y')],
      { a: random(2, 3) },
      { shape: tensor([6], [1, 1, 1, 1, 2, 3], 'int64') },
    ],
    [
      /MaxPool.*no dilations/,
      [node('MaxPool', 'a', 'y', { kernel_shape: [2, 2], dilations: [2, 2] })],
      { a: random(1, 1, 5, 5) },
    ],
    [
      /Resize.*antialias/,
      [node('Resize', 'a _ scales', 'y', { mode: 'cubic', antialias: 1 })],
      { a: random(1, 1, 4, 4) },
      { scales: tensor([4], [1, 1, 2, 2]) },
    ],
    [
      /QuantizeLinear.*int16/,
      [node('QuantizeLinear', 'a s z', 'q'), node('DequantizeLinear', 'q s z', 'y')],
      { a: random(3) },
      { s: tensor([], [0.1]), z: { dtype: 'int16', dims: [], data: Int16Array.of(0) } },
    ],
  ];
  it.each(cases)('%s', async (says, nodes, inputs, constants) => {
    const model = buildModel({
      name: 'x',
      opset: 21,
      nodes,
      inputs,
      constants,
      outputs: nodes.flatMap((n) => (n === nodes.at(-1) || n.opType === 'NonZero' ? n.outputs : [])),
      types: { n: 'int64' },
    });
    model.irVersion = 10;
    await expect(packaged(model)).rejects.toMatchObject({
      kind: 'unsupported',
      code: 'COREML_OPERATOR',
      message: expect.stringMatching(says),
    });
  });
});

describe('what the Neural Engine leaves to others', () => {
  it.each<
    [reason: RegExp, nodes: ReturnType<typeof node>[], inputs: Parameters<typeof buildModel>[0]['inputs']]
  >([
    [/exceeds 16384/, [node('Relu', 'a', 'y')], { a: random(1, 20000) }],
    [/exceeds 13/, [node('AveragePool', 'a', 'y', { kernel_shape: [14, 14] })], { a: random(1, 1, 16, 16) }],
    [/look-ups/, [node('Gather', 'a i', 'y')], { a: random(4, 3), i: tensor([2], [1, 0], 'int64') }],
    [/half_pixel/, [node('Resize', 'a _ _ s', 'y', { mode: 'linear' })], { a: random(1, 1, 4, 4) }],
    [/int32/, [node('Add', 'a a', 'y')], { a: tensor([3], [1, 2, 3], 'int32') }],
  ])('%s', async (reason, nodes, inputs) => {
    const constants = { s: tensor([4], [1, 1, 8, 8], 'int64') };
    const { legality } = await packaged(buildModel({ name: 'x', opset: 16, nodes, inputs, constants }));
    expect(legality.fallbacks.map((f) => f.reason)).toContainEqual(expect.stringMatching(reason));
    expect(legality.fallbackShare).toBeGreaterThan(0.5);
  });

  it('is nothing of a convolution', async () => {
    const nodes = [node('Conv', 'a w', 'y')];
    const { legality } = await packaged(
      buildModel({
        name: 'x',
        opset: 16,
        nodes,
        inputs: { a: random(1, 2, 4, 4) },
        constants: { w: random(2, 2, 1, 1) },
      }),
    );
    expect(legality).toMatchObject({ fallbacks: [], fallbackShare: 0, int8Macs: 0 });
  });
});
