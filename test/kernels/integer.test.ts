import { describe, expect, it } from 'vitest';
import {
  type CodeGrid,
  type ConvGeometry,
  type Factor,
  IntegerKernels,
  type ProductGeometry,
} from '../../kernels/integer.js';
import {
  correctedSum,
  macStep,
  plainConv,
  plainProduct,
  plainRequantize,
} from '../../kernels/integer-plain.js';
import { packCodes, unpackCodes } from '../../kernels/pack.js';
import { uniform } from '../../kernels/random.js';
import { dtypeNumber } from '../../src/ir/dtypes.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Node } from '../../src/ir/model.js';
import { makeTensor } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { makeModel, value } from '../verify/models.js';

const kernels = new IntegerKernels();

function factor(n: number, type: 'int8' | 'uint8', zeroPoints: number[], seed: number, bits = 8): Factor {
  const next = uniform(seed);
  const least = type === 'int8' ? -(2 ** (bits - 1)) : 0;
  const codes = Array.from({ length: n }, () => least + Math.floor(next() * 2 ** bits));
  return {
    codes: type === 'int8' ? Int8Array.from(codes) : Uint8Array.from(codes),
    zeroPoints: Int32Array.from(zeroPoints),
  };
}

const typeOf = ({ codes }: Factor) => (codes instanceof Int8Array ? 'int8' : 'uint8');
const zeroTensor = (name: string, f: Factor) =>
  makeTensor(
    name,
    typeOf(f),
    f.zeroPoints.length === 1 ? [] : [f.zeroPoints.length],
    typeOf(f) === 'int8' ? Int8Array.from(f.zeroPoints) : Uint8Array.from(f.zeroPoints),
  );

/** onnxruntime's ConvInteger or MatMulInteger. */
async function runtime(node: Node, x: Factor, xDims: number[], w: Factor, wDims: number[]) {
  const model = makeModel(
    [node],
    [value('x', xDims, typeOf(x))],
    [{ name: 'y', type: { tensor: { elemType: dtypeNumber('int32') } } }],
    [makeTensor('w', typeOf(w), wDims, w.codes), zeroTensor('zx', x), zeroTensor('zw', w)],
  );
  const session = await openModel(model, { optimize: 'disabled' });
  const { y } = await session.run({ x: { dtype: typeOf(x), dims: xDims, data: x.codes } });
  await session.release();
  return y;
}

interface ConvCase extends Partial<ConvGeometry> {
  what: string;
  x?: 'int8' | 'uint8';
  w?: 'int8' | 'uint8';
  zx?: number;
  zw?: number[];
  /** Bottom and right padding. */
  ends?: [number, number];
}

const CONVS: ConvCase[] = [
  { what: '1×1' },
  { what: '3×3, padded with the zero point', kernel: [3, 3], pads: [1, 1], ends: [1, 1], zx: 131 },
  { what: 'strides', kernel: [3, 3], strides: [2, 2], pads: [1, 1], ends: [1, 1], zx: 3 },
  { what: 'uneven padding', kernel: [3, 2], pads: [0, 1], ends: [2, 0], zx: 200 },
  { what: 'dilation', kernel: [3, 3], dilations: [2, 3], pads: [2, 3], ends: [2, 3], zx: 128 },
  { what: 'groups', channels: 6, filters: 8, groups: 2, kernel: [3, 3], zx: 17 },
  {
    what: 'depthwise',
    channels: 5,
    filters: 5,
    groups: 5,
    kernel: [3, 3],
    pads: [1, 1],
    ends: [1, 1],
    zx: 9,
  },
  { what: 'depthwise, two filters a channel', channels: 3, filters: 6, groups: 3, kernel: [2, 2], zx: 1 },
  { what: 'a batch', batch: 3, kernel: [2, 3], zx: 77 },
  { what: 'a kernel as large as the image', kernel: [9, 11], zx: 50 },
  { what: 'unsigned weights with a zero point', w: 'uint8', zw: [119], kernel: [3, 3], zx: 131 },
  {
    what: 'many channels: more than a tile',
    channels: 37,
    filters: 9,
    kernel: [5, 5],
    size: [40, 41],
    zx: 128,
  },
];

const geometryOf = (c: ConvCase): ConvGeometry => {
  const g = { batch: 1, channels: 4, filters: 5, groups: 1, size: [9, 11], kernel: [1, 1], ...c };
  const { strides = [1, 1], dilations = [1, 1], pads = [0, 0], ends = [0, 0] } = c;
  const out = [0, 1].map((i) => {
    const room = g.size[i] + pads[i] + ends[i] - dilations[i] * (g.kernel[i] - 1) - 1;
    return Math.floor(room / strides[i]) + 1;
  });
  return { ...g, strides, dilations, pads, out } as unknown as ConvGeometry;
};

describe('conv', () => {
  it.each(CONVS)('$what: plain, SIMD and ConvInteger are equal', async (c) => {
    const g = geometryOf(c);
    const wDims = [g.filters, g.channels / g.groups, ...g.kernel];
    const xDims = [g.batch, g.channels, ...g.size];
    const x = factor(
      xDims.reduce((a, b) => a * b),
      c.x ?? 'uint8',
      [c.zx ?? 0],
      1,
    );
    const w = factor(
      wDims.reduce((a, b) => a * b),
      c.w ?? 'int8',
      c.zw ?? [0],
      2,
    );
    const sums = kernels.conv(x, w, g);
    const [bottom, right] = c.ends ?? [0, 0];
    const attributes = [
      makeAttribute.ints('strides', g.strides),
      makeAttribute.ints('dilations', g.dilations),
      makeAttribute.ints('pads', [...g.pads, bottom, right]),
      makeAttribute.int('group', g.groups),
    ];
    const node = makeNode('ConvInteger', ['x', 'w', 'zx', 'zw'], ['y'], attributes);
    const y = await runtime(node, x, xDims, w, wDims);
    expect(y.dims).toEqual([g.batch, g.filters, ...g.out]);
    expect(sums).toEqual(y.data);
    if (sums.length < 2000) expect(plainConv(x, w, g)).toEqual(sums);
  });

  // ConvInteger of onnxruntime takes neither signed activations nor a zero point a filter; the definition does.
  it.each([
    ['signed activations', 'int8', [0], 8],
    ['a zero point a filter', 'int8', [3, -4, 5, 0, 100], 8],
    ['weights of 4 bits', 'int8', [0], 4],
  ] as const)('%s, with a bias: plain and SIMD are equal', (_, type, zeros, bits) => {
    const g = geometryOf({ what: '', kernel: [3, 3], pads: [1, 1], ends: [1, 1] });
    const x = factor(4 * 9 * 11, type, [-7], 3);
    const w = factor(5 * 4 * 9, 'int8', [...zeros], 4, bits);
    const bias = Int32Array.of(1, -2, 30_000, 2 ** 30, 0);
    expect(kernels.conv(x, w, g, bias)).toEqual(plainConv(x, w, g, bias));
  });
});

const rowMajor = (rows: number, columns: number, depth: number): ProductGeometry => ({
  rows,
  columns,
  depth,
  a: { at: 0, row: depth, depth: 1 },
  b: { at: 0, column: 1, depth: columns },
});

describe('product', () => {
  const cases: [rows: number, depth: number, columns: number, a: 'int8' | 'uint8', za: number, zb: number][] =
    [
      [1, 1, 1, 'uint8', 0, 0],
      [3, 8, 4, 'uint8', 128, 0],
      [5, 7, 9, 'int8', -3, 4],
      [70, 130, 33, 'uint8', 255, -128],
      [2, 70_001, 3, 'int8', 0, 0],
    ];
  it.each(cases)('%i×%i·%i of %s: plain, SIMD and MatMulInteger are equal', async (...c) => {
    const [rows, depth, columns, type, za, zb] = c;
    const a = factor(rows * depth, type, [za], 5);
    const b = factor(depth * columns, 'int8', [zb], 6);
    const g = rowMajor(rows, columns, depth);
    const sums = kernels.product(a, b, g);
    const node = makeNode('MatMulInteger', ['x', 'w', 'zx', 'zw'], ['y']);
    const { data } = await runtime(node, a, [rows, depth], b, [depth, columns]);
    expect(sums).toEqual(data);
    expect(plainProduct(a, b, g)).toEqual(sums);
  });

  it('takes transposed operands, zero points a row or a column, and a bias', () => {
    const a = factor(6, 'uint8', [1, 2], 7);
    const b = factor(12, 'int8', [3, 4, 5, 6], 8);
    const g: ProductGeometry = {
      ...rowMajor(2, 4, 3),
      a: { at: 0, row: 1, depth: 2 },
      b: { at: 0, column: 3, depth: 1 },
    };
    const bias = Int32Array.of(10, 20, 30, 40);
    const wanted = [0, 1].flatMap((r) =>
      [0, 1, 2, 3].map((c) => {
        const terms = [0, 1, 2].map((k) => (a.codes[k * 2 + r] - (1 + r)) * (b.codes[c * 3 + k] - (3 + c)));
        return terms.reduce((x, y) => x + y) + bias[c];
      }),
    );
    expect([...kernels.product(a, b, g, bias)]).toEqual(wanted);
    expect([...plainProduct(a, b, g, bias)]).toEqual(wanted);
  });

  it('wraps modulo 2^32, as onnxruntime and the hardware do', async () => {
    const depth = 70_000;
    const a = { codes: new Uint8Array(depth).fill(255), zeroPoints: Int32Array.of(0) };
    const b = { codes: new Int8Array(depth).fill(127), zeroPoints: Int32Array.of(0) };
    const wrapped = 255 * 127 * depth - 2 ** 32;
    expect(wrapped).toBe(-2_028_017_296);
    expect([...kernels.product(a, b, rowMajor(1, 1, depth))]).toEqual([wrapped]);
    expect(
      correctedSum(
        (k) => a.codes[k],
        (k) => b.codes[k],
        depth,
        0,
        0,
      ),
    ).toBe(wrapped);
    const node = makeNode('MatMulInteger', ['x', 'w', 'zx', 'zw'], ['y']);
    expect([...(await runtime(node, a, [1, depth], b, [depth, 1])).data]).toEqual([wrapped]);
  });

  it('reads codes of 4 bits from their packed form', () => {
    const { codes } = factor(24, 'int8', [0], 9, 4);
    const unpacked = unpackCodes(packCodes(codes, 4), 24, 4, true);
    expect(unpacked).toEqual(codes);
    const a = factor(6, 'int8', [0], 10);
    const g = rowMajor(1, 4, 6);
    const zero = Int32Array.of(0);
    expect(kernels.product(a, { codes: unpacked, zeroPoints: zero }, g)).toEqual(
      plainProduct(a, { codes, zeroPoints: zero }, g),
    );
  });
});

describe('one multiply-accumulate', () => {
  it('is the product of the brief: 42 · 38 at 1/2048 and 1/4096', () => {
    expect(macStep(0, 42, 38)).toBe(1596);
    expect(1596 / 2048 / 4096).toBe(1.9025802612304688e-4);
  });
  it.each([
    [2 ** 31 - 1, 1, 1, -(2 ** 31)],
    [-(2 ** 31), -1, 1, 2 ** 31 - 1],
    [0, -128, -128, 16_384],
    [0, 255, 127, 32_385],
  ])('%i + %i · %i = %i in 32 bits', (sum, a, b, wanted) => expect(macStep(sum, a, b)).toBe(wanted));
});

describe('requantize', () => {
  const int8: CodeGrid = { signed: true, zeroPoint: 0, low: -128, high: 127 };
  const uint8: CodeGrid = { signed: false, zeroPoint: 128, low: 0, high: 255 };
  const cases: [string, CodeGrid, number, [sum: number, code: number][]][] = [
    [
      'ties go to even',
      int8,
      0.5,
      [
        [1, 0],
        [3, 2],
        [5, 2],
        [7, 4],
        [-1, 0],
        [-3, -2],
        [-5, -2],
        [-7, -4],
      ],
    ],
    [
      'the zero point is added after rounding',
      { ...int8, zeroPoint: 1 },
      0.5,
      [
        [1, 1],
        [3, 3],
        [-1, 1],
      ],
    ],
    [
      'saturation',
      int8,
      1,
      [
        [127, 127],
        [128, 127],
        [2 ** 31 - 1, 127],
        [-129, -128],
        [-(2 ** 31), -128],
      ],
    ],
    [
      'unsigned',
      uint8,
      1,
      [
        [-128, 0],
        [-129, 0],
        [127, 255],
        [128, 255],
        [0, 128],
      ],
    ],
    [
      'a fused Relu',
      { ...uint8, low: 128 },
      1,
      [
        [-1, 128],
        [-100, 128],
        [1, 129],
      ],
    ],
    [
      'a fused Clip',
      { ...int8, low: 0, high: 6 },
      0.25,
      [
        [-9, 0],
        [10, 2],
        [14, 4],
        [26, 6],
        [400, 6],
      ],
    ],
    [
      'all 32 bits count',
      int8,
      2 ** -31,
      [
        [2 ** 30, 0],
        [2 ** 30 + 1, 1],
        [2 ** 31 - 1, 1],
        [-(2 ** 30), 0],
      ],
    ],
  ];
  it.each(cases)('%s', (_, grid, multiplier, pairs) => {
    const sums = Int32Array.from(pairs, ([sum]) => sum);
    const shape = { outer: 1, channels: 1, inner: sums.length };
    const wanted = pairs.map(([, code]) => code);
    expect([...kernels.requantize(sums, shape, Float64Array.of(multiplier), grid)]).toEqual(wanted);
    expect([...sums].map((sum) => plainRequantize(sum, multiplier, grid))).toEqual(wanted);
  });

  it('has a multiplier a channel', () => {
    const sums = Int32Array.of(10, 10, 10, 10, 20, 20, 20, 20);
    const shape = { outer: 2, channels: 2, inner: 2 };
    expect([...kernels.requantize(sums, shape, Float64Array.of(1, 0.5), int8)]).toEqual([
      10, 10, 5, 5, 20, 20, 10, 10,
    ]);
    expect([...kernels.scale(sums, shape, Float64Array.of(0.1, 2))]).toEqual(
      [1, 1, 20, 20, 2, 2, 40, 40].map(Math.fround),
    );
  });
});

describe('element by element', () => {
  const a = { codes: Uint8Array.of(0, 128, 255, 130), zeroPoints: Int32Array.of(128) };
  const b = { codes: Int8Array.of(-128, 0, 127, 3), zeroPoints: Int32Array.of(-1) };
  it('add rounds once', () => {
    const grid = { signed: true, zeroPoint: 2, low: -128, high: 127 };
    // −128·0.5 − 127·0.25, 0 + 1·0.25, 127·0.5 + 128·0.25, 2·0.5 + 4·0.25
    const sums = kernels.add({ ...a, multiplier: 0.5 }, { ...b, multiplier: 0.25 }, grid);
    expect([...sums]).toEqual([-94, 2, 98, 4]);
  });
  it('multiply keeps all bits', () =>
    expect([...kernels.multiply(a, b)]).toEqual([-128 * -127, 0, 127 * 128, 2 * 4]));
  it('magnitudes of every channel', () => {
    const codes = { codes: Int8Array.of(-128, 127, 0, 5), zeroPoints: Int32Array.of(127, -128) };
    expect([...kernels.magnitudes(codes, { outer: 1, channels: 2, inner: 2 })]).toEqual([255, 0, 128, 133]);
  });
  it.each([
    [[], 0],
    [[3, -5, 4], 5],
    [[2 ** 31 - 1, -(2 ** 31)], 2 ** 31],
  ])('the widest of %j is %d', (sums, wanted) => expect(kernels.widest(Int32Array.from(sums))).toBe(wanted));
});

describe('what does not belong together is refused', () => {
  const x = factor(8, 'int8', [0], 1);
  const shape = { outer: 1, channels: 2, inner: 4 };
  it.each([
    ['image', () => kernels.conv(x, x, geometryOf({ what: '' })), /8 image, not 396/],
    [
      'zero points',
      () => kernels.magnitudes({ ...x, zeroPoints: new Int32Array(3) }, shape),
      /3 zero points/,
    ],
    ['multipliers', () => kernels.scale(new Int32Array(8), shape, new Float64Array(3)), /3 multipliers/],
    ['codes', () => kernels.multiply(x, factor(7, 'int8', [0], 1)), /7 codes, not 8/],
  ])('%s', (_, run, message) => expect(run).toThrow(message));
});
