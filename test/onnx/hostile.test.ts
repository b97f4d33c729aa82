import { describe, expect, test } from 'vitest';
import { uniform } from '../../kernels/random.js';
import { QuantizeError } from '../../src/errors.js';
import { tensorBytes } from '../../src/ir/tensor.js';
import { allTensors } from '../../src/ir/tensors.js';
import { decodeModel, encodeModel } from '../../src/onnx/index.js';
import { floatsLe, int, join, len, modelOf, modelOfAttribute, modelOfTensor, tag, varint } from './wire.js';

/** A model with every kind of field, so that damage can land anywhere. */
const VICTIM = join(
  int(1, 8),
  len(2, 'victim'),
  len(
    7,
    len(
      1,
      len(1, 'x'),
      len(2, 'y'),
      len(3, 'n'),
      len(4, 'Op'),
      len(5, len(1, 'a'), int(3, -1), len(7, floatsLe(1, 2)), len(8, varint(300), varint(-5))),
    ),
    len(
      1,
      len(1, 'y'),
      len(2, 'z'),
      len(4, 'If'),
      len(
        5,
        len(1, 'then'),
        len(6, len(1, len(4, 'Inner'), len(5, len(1, 't'), len(5, int(1, 1), int(2, 7), len(7, varint(9)))))),
      ),
    ),
    len(5, int(1, 4), int(2, 1), len(8, 'w'), len(9, floatsLe(1, 2, 3, 4))),
    len(5, int(1, 2), int(2, 6), len(5, varint(-1), varint(77)), len(13, len(1, 'location'), len(2, 'file'))),
    len(11, len(1, 'x'), len(2, len(1, int(1, 1), len(2, len(1, int(1, 4)), len(1, len(2, 'N')))))),
    len(12, len(1, 'z')),
  ),
  len(8, int(2, 17)),
  len(14, len(1, 'k'), len(2, 'v')),
  len(60, 'unknown'),
);

/** Decodes, and when that works also reads and encodes; every failure must be an error of ours. */
function survive(bytes: Uint8Array): 'decoded' | string {
  try {
    const model = decodeModel(bytes);
    encodeModel(model);
    for (const tensor of allTensors(model)) tensorBytes(tensor);
    return 'decoded';
  } catch (error) {
    if (!(error instanceof QuantizeError) || error.kind === 'bug')
      throw new Error(`not a clear error for ${Buffer.from(bytes).toString('hex')}`, { cause: error });
    return error.code;
  }
}

test('the victim itself decodes', () => {
  expect(survive(VICTIM)).toBe('decoded');
});

test('a model cut short anywhere is an error or a shorter model', () => {
  const verdicts = new Set(Array.from(VICTIM, (_, length) => survive(VICTIM.subarray(0, length))));
  expect([...verdicts].sort()).toEqual(['MODEL_NOT_ONNX', 'MODEL_TRUNCATED', 'decoded']);
});

/** 5,000 cases in all, the same in every run. */
test.each([
  ['one bit flipped', 1500, (random: () => number) => flipped(random, 1)],
  ['eight bits flipped', 1500, (random: () => number) => flipped(random, 8)],
  ['a piece removed', 500, (random: () => number) => pieceRemoved(random)],
  ['random bytes', 1000, (random: () => number) => randomBytes(random, 64)],
  ['random bytes inside a graph', 500, (random: () => number) => modelOf(randomBytes(random, 200))],
])('damage: %s', (_, runs, make) => {
  for (let seed = 0; seed < runs; seed++) survive(make(uniform(seed)));
});

function flipped(random: () => number, bits: number): Uint8Array {
  const bytes = VICTIM.slice();
  for (let i = 0; i < bits; i++) bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
  return bytes;
}

function pieceRemoved(random: () => number): Uint8Array {
  const at = Math.floor(random() * VICTIM.length);
  return join(VICTIM.subarray(0, at), VICTIM.subarray(at + 1 + Math.floor(random() * 8)));
}

const randomBytes = (random: () => number, length: number): Uint8Array =>
  Uint8Array.from({ length: Math.floor(random() * length) }, () => random() * 256);

const nested = (depth: number): Uint8Array => {
  let graph = len(2, 'innermost');
  for (let i = 0; i < depth; i++) graph = len(1, len(5, len(6, graph)));
  return modelOf(graph);
};

const groups = (depth: number): Uint8Array =>
  join(len(7), repeat(tag(90, 3), depth), repeat(tag(90, 4), depth));

function repeat(piece: Uint8Array, times: number): Uint8Array {
  const out = new Uint8Array(piece.length * times);
  for (let i = 0; i < times; i++) out.set(piece, i * piece.length);
  return out;
}

describe('limits', () => {
  test.each([
    ['a length of 2^63', join(tag(7, 2), varint(2n ** 63n)), 'MODEL_MALFORMED', /byte \d+/],
    ['a length of 2^31 − 1', join(tag(7, 2), varint(2 ** 31 - 1)), 'MODEL_TRUNCATED', /byte 6/],
    [
      'a length beyond the message around it',
      join(len(7, tag(2, 2), varint(3), Uint8Array.of(65)), len(8)),
      'MODEL_MALFORMED',
      /in graph/,
    ],
    [
      'a packed list that ends inside a value',
      modelOfTensor(len(7, Uint8Array.of(0x80))),
      'MODEL_MALFORMED',
      /graph\.initializers\[0\]/,
    ],
    [
      'packed floats of five bytes',
      modelOfTensor(len(4, Uint8Array.of(1, 2, 3, 4, 5))),
      'MODEL_MALFORMED',
      /whole number/,
    ],
    [
      'attribute floats of five bytes',
      modelOfAttribute(len(7, Uint8Array.of(1, 2, 3, 4, 5))),
      'MODEL_MALFORMED',
      /graph\.nodes\[0\]\.attributes\[0\]/,
    ],
    [
      'a varint of eleven bytes',
      join(tag(1, 0), new Uint8Array(10).fill(255), Uint8Array.of(1)),
      'MODEL_MALFORMED',
      /10 bytes/,
    ],
    ['a dimension beyond 2^53', modelOfTensor(int(1, 2n ** 60n)), 'MODEL_MALFORMED', /beyond/],
    ['field number 0', join(len(7), Uint8Array.of(0, 0)), 'MODEL_MALFORMED', /field number 0/],
    ['a group that nobody opened', join(len(7), tag(90, 4)), 'MODEL_MALFORMED', /wire type 4/],
    ['wire type 7', join(len(7), tag(90, 7)), 'MODEL_MALFORMED', /wire type 7/],
    ['10,000 nested graphs', nested(10_000), 'MODEL_TOO_COMPLEX', /nested deeper than 100/],
    ['100,000 nested groups', groups(100_000), 'MODEL_MALFORMED', /depth/],
    [
      '5 million empty metadata entries',
      join(len(7), repeat(len(14), 5e6)),
      'MODEL_TOO_COMPLEX',
      /more objects/,
    ],
  ])('%s', (_, bytes, code, message) => {
    expect(() => decodeModel(bytes, undefined)).toThrow(
      expect.objectContaining({ code, kind: 'invalid', message: expect.stringMatching(message) }),
    );
  });

  test('30 nested graphs are fine', () => {
    expect(survive(nested(30))).toBe('decoded');
  });

  test('a tensor of 10^9 declared elements costs nothing until it is read, and then is an error', () => {
    const model = decodeModel(modelOfTensor(int(1, 10 ** 9), int(2, 1), len(9, floatsLe(1))));
    expect(model.graph.initializers[0].dims).toEqual([10 ** 9]);
    expect(() => tensorBytes(model.graph.initializers[0])).toThrow(
      expect.objectContaining({ code: 'TENSOR_SIZE' }),
    );
  });

  test.each([
    ['dims whose product overflows', [int(1, 2 ** 40), int(1, 2 ** 40)]],
    ['a negative dimension', [int(1, -4)]],
    ['two negative dimensions', [int(1, -1), int(1, -1)]],
  ])('%s', (_, dims) => {
    const model = decodeModel(modelOfTensor(...dims, int(2, 1), len(9, floatsLe(1))));
    expect(() => tensorBytes(model.graph.initializers[0])).toThrow(
      expect.objectContaining({ code: 'TENSOR_SIZE' }),
    );
  });

  test('a million single values of a packed field are read in linear time', () => {
    const many = repeat(int(7, 1), 1e6);
    expect(decodeModel(modelOfTensor(many)).graph.initializers[0].int64Data).toHaveLength(1e6);
  });

  test('the error says file, byte and place', () => {
    const bytes = modelOf(len(1), len(1, len(5, len(1, 'a')), len(5, tag(5, 2), varint(100))));
    expect(() => decodeModel(bytes, 'some/model.onnx')).toThrow(
      expect.objectContaining({
        where: { file: 'some/model.onnx', byte: expect.any(Number) },
        message: expect.stringContaining('in graph.nodes[1].attributes[1]'),
      }),
    );
  });
});

describe('files that are not ONNX', () => {
  test.each([
    ['', 'empty file', 'interrupted'],
    [
      'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
      'Git LFS pointer',
      'git lfs pull',
    ],
    ['PK\x03\x04\x14\0\0\0', 'zip archive', 'torch.onnx.export'],
    ['\x80\x02}q\0X', 'pickle', 'Export'],
    ['\x80\x04\x95', 'pickle', 'Export'],
    ['\x89HDF\r\n\x1a\n', 'HDF5', 'tf2onnx'],
    ['GGUF\x03\0\0\0', 'GGUF', 'Export'],
    ['\x1f\x8b\x08', 'gzip', 'Unpack'],
    ['\x1c\0\0\0TFL3', 'TensorFlow Lite', 'tf2onnx'],
    ['\x1c\0\0\0ORTM', 'ORT-format', 'made from'],
    ['\x10\0\0\0\0\0\0\0{"a":1}', 'safetensors', 'Export'],
    ['{"producer": 1}', 'JSON', '.onnx'],
    ['<!DOCTYPE html><html>', 'HTML', 'raw file'],
    ['\n<?xml version="1.0"?>', 'HTML or XML', 'raw file'],
    ['\x08\x08', 'not an ONNX model', 'no graph'],
  ])('%j', (text, what, hint) => {
    expect(() => decodeModel(Buffer.from(text, 'latin1'), 'f')).toThrow(
      expect.objectContaining({
        code: 'MODEL_NOT_ONNX',
        message: expect.stringContaining(what),
        hint: expect.stringContaining(hint),
        where: { file: 'f' },
      }),
    );
  });
});
