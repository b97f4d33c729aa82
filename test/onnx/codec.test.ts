import { describe, expect, test } from 'vitest';
import { DTYPES } from '../../src/ir/dtypes.js';
import type { Model } from '../../src/ir/model.js';
import { tensorBytes } from '../../src/ir/tensor.js';
import { decodeModel, encodeModel } from '../../src/onnx/index.js';
import { decodeTensor } from '../../src/onnx/tensor.js';
import {
  double,
  doublesLe,
  float,
  floatsLe,
  int,
  join,
  len,
  modelOf,
  modelOfAttribute,
  modelOfTensor,
  tag,
  utf8,
  varint,
} from './wire.js';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Wire bytes written by hand, and what the IR must say of them. Fields stand in the order that ONNX writes. */
const CASES: { name: string; bytes: Uint8Array; says: (model: Model) => unknown; is: unknown }[] = [
  {
    name: 'every field of the model',
    bytes: join(
      int(1, 10),
      len(2, 'me'),
      len(3, '1.2'),
      len(4, 'org'),
      int(5, INT64_MIN),
      len(6, 'doc'),
      len(7, len(2, 'g')),
      len(8, len(1, 'com.x'), int(2, 3)),
      len(14, len(1, 'k'), len(2, 'v')),
    ),
    says: (m) => ({ ...m, graph: m.graph.name }),
    is: {
      irVersion: 10,
      producerName: 'me',
      producerVersion: '1.2',
      domain: 'org',
      modelVersion: INT64_MIN,
      docString: 'doc',
      graph: 'g',
      opsetImports: [{ domain: 'com.x', version: 3 }],
      metadata: [{ key: 'k', value: 'v' }],
      functions: [],
    },
  },
  {
    name: 'present but empty text differs from absent',
    bytes: join(len(2, ''), len(7, len(1, len(4, 'Op')), len(1, len(3, ''), len(4, 'Op')))),
    says: (m) => [m.producerName, m.producerVersion, m.graph.nodes[0].name, m.graph.nodes[1].name],
    is: ['', undefined, undefined, ''],
  },
  {
    name: 'a node with empty optional names, domain and overload',
    bytes: modelOf(
      len(
        1,
        len(1, 'x'),
        len(1, ''),
        len(1, 'z'),
        len(2, 'y'),
        len(2, ''),
        len(4, 'Op'),
        len(7, 'com.x'),
        len(8, 'v2'),
      ),
    ),
    says: (m) => m.graph.nodes[0],
    is: {
      inputs: ['x', '', 'z'],
      outputs: ['y', ''],
      opType: 'Op',
      domain: 'com.x',
      overload: 'v2',
      attributes: [],
    },
  },
  {
    name: 'initializer that is an input',
    bytes: modelOf(len(5, int(1, 1), int(2, 1), len(8, 'w'), len(9, floatsLe(1))), len(11, len(1, 'w'))),
    says: (m) => [m.graph.initializers[0].name, m.graph.inputs[0].name],
    is: ['w', 'w'],
  },
  {
    name: 'sparse initializer',
    bytes: modelOf(
      len(
        15,
        len(1, int(1, 1), int(2, 1), len(8, 's'), len(9, floatsLe(5))),
        len(2, int(1, 1), int(2, 7), len(7, varint(3))),
        int(3, 10),
      ),
    ),
    says: (m) => {
      const [sparse] = m.graph.sparseInitializers;
      return [sparse.values?.name, sparse.indices?.int64Data, sparse.dims];
    },
    is: ['s', BigInt64Array.of(3n), [10]],
  },
  {
    name: 'dimensions: a number, zero, a name, nothing; rank 0 differs from no shape',
    bytes: modelOf(
      len(
        11,
        len(1, 'a'),
        len(2, len(1, int(1, 1), len(2, len(1, int(1, 4)), len(1, int(1, 0)), len(1, len(2, 'N')), len(1)))),
      ),
      len(11, len(1, 'b'), len(2, len(1, int(1, 1), len(2)))),
      len(11, len(1, 'c'), len(2, len(1, int(1, 1)))),
      len(11, len(1, 'd'), len(2, len(6, 'IMAGE'))),
    ),
    says: (m) => m.graph.inputs.map((v) => v.type?.tensor?.shape?.dims),
    is: [[{ value: 4 }, { value: 0 }, { param: 'N' }, {}], [], undefined, undefined],
  },
  {
    name: 'sequence and optional types pass through unopened',
    bytes: modelOf(len(11, len(1, 's'), len(2, len(4, len(1, len(1, int(1, 1))))))),
    says: (m) => m.graph.inputs[0].type,
    is: { unknown: [len(4, len(1, len(1, int(1, 1))))] },
  },
  {
    name: 'a function with attributes, defaults and a referring attribute',
    bytes: join(
      len(7),
      len(
        25,
        len(1, 'F'),
        len(4, 'x'),
        len(5, 'y'),
        len(6, 'alpha'),
        len(7, len(4, 'Op'), len(5, len(1, 'a'), int(20, 1), len(21, 'alpha'))),
        len(9, int(2, 17)),
        len(10, 'me'),
        len(11, len(1, 'beta'), int(3, 2)),
        len(12, len(1, 'x')),
        len(13, 'o'),
      ),
    ),
    says: (m) => {
      const [f] = m.functions;
      return [
        f.name,
        f.inputs,
        f.outputs,
        f.attributes,
        f.nodes[0].attributes[0].refAttrName,
        f.attributeDefaults[0].i,
        f.domain,
        f.overload,
        f.opsetImports,
        f.valueInfo,
      ];
    },
    is: ['F', ['x'], ['y'], ['alpha'], 'alpha', 2n, 'me', 'o', [{ version: 17 }], [{ name: 'x' }]],
  },
  {
    name: 'attribute: float, int at both ends, bytes that are not text',
    bytes: modelOf(
      len(
        1,
        len(4, 'Op'),
        len(5, len(1, 'f'), float(2, 0.1)),
        len(5, len(1, 'i'), int(3, INT64_MAX)),
        len(5, len(1, 'j'), int(3, INT64_MIN)),
        len(5, len(1, 's'), len(4, Uint8Array.of(255, 0, 128))),
      ),
    ),
    says: (m) => m.graph.nodes[0].attributes.map((a) => a.f ?? a.i ?? a.s),
    is: [Math.fround(0.1), INT64_MAX, INT64_MIN, Uint8Array.of(255, 0, 128)],
  },
  {
    name: 'attribute lists',
    bytes: modelOfAttribute(
      len(1, 'l'),
      float(7, 1.5),
      float(7, -0),
      int(8, -1),
      int(8, INT64_MAX),
      len(9, 'a'),
      len(9, ''),
      len(10, int(1, 0), int(2, 1)),
      len(15, len(1, int(1, 7))),
    ),
    says: (m) => {
      const a = m.graph.nodes[0].attributes[0];
      return [a.floats, a.ints, a.strings, a.tensors[0].dims, a.typeProtos[0].tensor?.elemType];
    },
    is: [[1.5, -0], [-1n, INT64_MAX], [utf8('a'), utf8('')], [0], 7],
  },
  {
    name: 'subgraphs, single and in a list, with a tensor inside',
    bytes: modelOfAttribute(
      len(1, 'body'),
      len(5, int(1, 2), int(2, 6), len(5, varint(1), varint(-2))),
      len(6, len(1, len(4, 'Inner')), len(2, 'then')),
      len(11, len(2, 'a')),
      len(11, len(2, 'b')),
    ),
    says: (m) => {
      const a = m.graph.nodes[0].attributes[0];
      return [a.t?.int32Data, a.g?.nodes[0].opType, a.graphs.map((g) => g.name)];
    },
    is: [Int32Array.of(1, -2), 'Inner', ['a', 'b']],
  },
  {
    name: 'sparse tensor attributes and a type attribute',
    bytes: modelOfAttribute(
      len(1, 's'),
      len(14, len(1, int(1, 9))),
      len(22, int(3, 4)),
      len(23, int(3, 5)),
      len(23, int(3, 6)),
    ),
    says: (m) => {
      const a = m.graph.nodes[0].attributes[0];
      return [a.tp?.tensor?.elemType, a.sparseTensor?.dims, a.sparseTensors.map((s) => s.dims)];
    },
    is: [9, [4], [[5], [6]]],
  },
  {
    name: 'tensor: packed floats stay bytes',
    bytes: modelOfTensor(int(1, 2), int(2, 1), len(4, floatsLe(1, Number.NaN))),
    says: (m) => m.graph.initializers[0].floatData,
    is: floatsLe(1, Number.NaN),
  },
  {
    name: 'tensor: packed doubles stay bytes',
    bytes: modelOfTensor(int(1, 1), int(2, 11), len(10, doublesLe(Math.PI))),
    says: (m) => m.graph.initializers[0].doubleData,
    is: doublesLe(Math.PI),
  },
  {
    name: 'tensor: int64 and uint64 at their ends',
    bytes: modelOfTensor(
      int(2, 7),
      len(7, varint(INT64_MAX), varint(INT64_MIN), varint(0)),
      len(11, varint(2n ** 64n - 1n)),
    ),
    says: (m) => [m.graph.initializers[0].int64Data, m.graph.initializers[0].uint64Data],
    is: [BigInt64Array.of(INT64_MAX, INT64_MIN, 0n), BigUint64Array.of(2n ** 64n - 1n)],
  },
  {
    name: 'tensor: strings, external entries, metadata',
    bytes: modelOfTensor(
      int(1, 2),
      int(2, 8),
      len(6, 'a'),
      len(6, Uint8Array.of(200)),
      len(12, 'd'),
      len(13, len(1, 'location'), len(2, 'x')),
      int(14, 0),
      len(16, len(1, 'k')),
    ),
    says: (m) => {
      const t = m.graph.initializers[0];
      return [t.stringData, t.docString, t.externalData, t.dataLocation, t.metadata];
    },
    is: [[utf8('a'), Uint8Array.of(200)], 'd', [{ key: 'location', value: 'x' }], 0, [{ key: 'k' }]],
  },
  {
    name: 'names that are not UTF-8 stay distinct',
    bytes: modelOf(
      len(
        1,
        len(1, Uint8Array.of(97, 0xff)),
        len(1, Uint8Array.of(97, 0xfe)),
        len(1, '\ufffd'),
        len(1, Uint8Array.of(0xed, 0xa0, 0x80)),
        len(1, '\u{1f600}\u0000é'),
        len(4, 'Op'),
      ),
    ),
    says: (m) => m.graph.nodes[0].inputs,
    is: ['a\udcff', 'a\udcfe', '\ufffd', '\udced\udca0\udc80', '\u{1f600}\u0000é'],
  },
];

describe('fields', () => {
  test.each(CASES)('$name', ({ bytes, says, is }) => {
    const model = decodeModel(bytes);
    expect(says(model)).toEqual(is);
    expect(Buffer.from(encodeModel(model)).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
  });
});

test.each(DTYPES)('initializer of type $name ($onnx) keeps its bytes', ({ onnx, bits }) => {
  const raw = Uint8Array.from({ length: Math.ceil((3 * bits) / 8) }, (_, i) => 250 - i);
  const bytes = modelOfTensor(int(1, 3), int(2, onnx), len(8, 't'), len(9, raw));
  const model = decodeModel(bytes);
  expect(tensorBytes(model.graph.initializers[0])).toEqual(raw);
  expect(encodeModel(model)).toEqual(bytes);
});

describe('wire forms that other writers use', () => {
  test.each([
    [
      'dims packed',
      modelOfTensor(len(1, varint(2), varint(3))),
      (m: Model) => m.graph.initializers[0].dims,
      [2, 3],
    ],
    [
      'dims split over packed and single',
      modelOfTensor(int(1, 2), len(1, varint(3), varint(4)), int(1, 5)),
      (m: Model) => m.graph.initializers[0].dims,
      [2, 3, 4, 5],
    ],
    [
      'ints packed',
      modelOfAttribute(len(8, varint(-1), varint(INT64_MAX))),
      (m: Model) => m.graph.nodes[0].attributes[0].ints,
      [-1n, INT64_MAX],
    ],
    [
      'floats packed',
      modelOfAttribute(len(7, floatsLe(1, 2))),
      (m: Model) => m.graph.nodes[0].attributes[0].floats,
      [1, 2],
    ],
    [
      'float_data single',
      modelOfTensor(float(4, 1), float(4, 2)),
      (m: Model) => m.graph.initializers[0].floatData,
      floatsLe(1, 2),
    ],
    [
      'float_data in three pieces',
      modelOfTensor(len(4, floatsLe(1)), float(4, 2), len(4, floatsLe(3, 4))),
      (m: Model) => m.graph.initializers[0].floatData,
      floatsLe(1, 2, 3, 4),
    ],
    [
      'double_data single',
      modelOfTensor(double(10, 7)),
      (m: Model) => m.graph.initializers[0].doubleData,
      doublesLe(7),
    ],
    [
      'int32_data single, negative as ten bytes',
      modelOfTensor(int(5, -7), int(5, 8)),
      (m: Model) => m.graph.initializers[0].int32Data,
      Int32Array.of(-7, 8),
    ],
    [
      'int32_data negative as five bytes',
      modelOfTensor(int(5, 2 ** 32 - 7)),
      (m: Model) => m.graph.initializers[0].int32Data,
      Int32Array.of(-7),
    ],
    [
      'int64_data single',
      modelOfTensor(int(7, -1), len(7, varint(5))),
      (m: Model) => m.graph.initializers[0].int64Data,
      BigInt64Array.of(-1n, 5n),
    ],
    [
      'an empty packed list',
      modelOfTensor(len(4)),
      (m: Model) => m.graph.initializers[0].floatData,
      new Uint8Array(0),
    ],
    [
      'a padded varint',
      modelOf(len(11, len(2, len(1, join(tag(1, 0), Uint8Array.of(0x81, 0x80, 0x80, 0)))))),
      (m: Model) => m.graph.inputs[0].type?.tensor?.elemType,
      1,
    ],
    ['a scalar twice: the last wins', join(int(1, 3), int(1, 8), len(7)), (m: Model) => m.irVersion, 8],
    [
      'a graph in two pieces merges',
      join(len(7, len(2, 'a'), len(1, len(4, 'A'))), len(7, len(1, len(4, 'B')))),
      (m: Model) => [m.graph.name, m.graph.nodes.map((n) => n.opType)],
      ['a', ['A', 'B']],
    ],
    [
      'a tensor attribute in two pieces merges',
      modelOfAttribute(
        len(5, len(7, varint(1)), len(4, floatsLe(1))),
        len(5, int(7, 2), len(4, floatsLe(2))),
      ),
      (m: Model) => [
        m.graph.nodes[0].attributes[0].t?.int64Data,
        m.graph.nodes[0].attributes[0].t?.floatData,
      ],
      [BigInt64Array.of(1n, 2n), floatsLe(1, 2)],
    ],
    [
      'a dimension with both members: the last wins',
      modelOf(len(11, len(2, len(1, len(2, len(1, int(1, 4), len(2, 'N'))))))),
      (m: Model) => m.graph.inputs[0].type?.tensor?.shape?.dims,
      [{ param: 'N' }],
    ],
  ])('%s', (_, bytes, says, is) => {
    const model = decodeModel(bytes);
    expect(says(model)).toEqual(is);
    expect(says(decodeModel(encodeModel(model)))).toEqual(is);
  });
});

test('unknown fields survive at every level, in every wire type', () => {
  const extra = join(
    int(90, 5),
    double(91, 2),
    len(92, 'later'),
    float(93, 1),
    tag(94, 3),
    int(1, 1),
    len(94, 'in'),
    tag(94, 4),
  );
  const tensor = join(int(1, 1), extra);
  const type = len(2, len(1, int(1, 1), len(2, len(1, int(1, 2), extra), extra), extra), extra);
  const graph = join(
    len(1, len(4, 'Op'), len(5, len(1, 'a'), len(5, tensor), extra), extra),
    len(5, tensor),
    len(11, len(1, 'x'), type, extra),
    len(15, len(1, tensor), extra),
    extra,
  );
  const bytes = join(
    len(7, graph),
    len(8, int(2, 1), extra),
    len(14, len(1, 'k'), extra),
    len(25, len(1, 'F'), extra),
    extra,
  );
  const model = decodeModel(bytes);
  expect(model.unknown).toHaveLength(5);
  expect(encodeModel(model)).toEqual(bytes);
});

test('a known field in the wrong wire type counts as unknown', () => {
  const bytes = join(len(7), len(5, 'text where a number belongs'));
  const model = decodeModel(bytes);
  expect(model.modelVersion).toBeUndefined();
  expect(encodeModel(model)).toEqual(bytes);
});

test('byte fields are views of the input, also of a Buffer and at an odd offset', () => {
  const whole = Buffer.concat([Buffer.of(0), modelOfTensor(int(1, 1), int(2, 1), len(9, floatsLe(3)))]);
  const { rawData } = decodeModel(whole.subarray(1)).graph.initializers[0];
  expect(rawData?.buffer).toBe(whole.buffer);
  expect(rawData?.constructor).toBe(Uint8Array);
});

test('large byte fields encode without change at both sides of the reference threshold', () => {
  for (const size of [4095, 4096, 100_000]) {
    const raw = Uint8Array.from({ length: size }, (_, i) => i);
    const bytes = modelOf(len(5, len(9, raw)), len(5, len(8, 'after'), len(9, raw)), len(10, 'tail'));
    expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
  }
});

test('a tensor on its own, as the test data of ONNX holds it', () => {
  const bytes = join(int(1, 2), int(2, 1), len(8, 'x'), len(9, floatsLe(1, 2)));
  expect(decodeTensor(bytes)).toEqual({
    name: 'x',
    dims: [2],
    dataType: 1,
    rawData: floatsLe(1, 2),
    externalData: [],
    metadata: [],
  });
  expect(() => decodeTensor(bytes.subarray(0, 9), 'x.pb')).toThrow(
    expect.objectContaining({ code: 'MODEL_TRUNCATED', where: expect.objectContaining({ file: 'x.pb' }) }),
  );
});
