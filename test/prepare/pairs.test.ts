import { describe, expect, it } from 'vitest';
import { makeAttribute, qualifiedType, setAttribute } from '../../src/ir/graph.js';
import type { Model, Node } from '../../src/ir/model.js';
import { asPairs } from '../../src/prepare/pairs.js';
import { buildModel, codes, distance, float, node, random, run, tensor } from './opset/build.js';

const ours = (n: Node): Node => ({ ...n, domain: 'com.microsoft' });

/** The scale of every result: one step of it is what a tie may cost. */
const STEP = 0.0613;
const constants = {
  s: tensor([], [2 ** -5]),
  z: tensor([], [120], 'uint8'),
  s2: tensor([], [2 ** -6]),
  z2: tensor([], [131], 'uint8'),
  ys: tensor([], [STEP]),
  yz: tensor([], [127], 'uint8'),
  filter: codes(4, 2, 3, 3),
  filterScales: tensor([4], [2 ** -9, 2 ** -10, 2 ** -9, 2 ** -8]),
  zeros: tensor([4], [0, 0, 0, 0], 'int8'),
  filterBias: tensor([4], [5000, -3000, 0, 77], 'int32'),
  matrix: codes(6, 4),
  rows: codes(4, 6),
  scale: tensor([], [2 ** -9]),
  zero: tensor([], [0], 'int8'),
  yes: tensor(
    [1, 1, 6, 6],
    Array.from({ length: 36 }, (_, i) => i % 2),
    'bool',
  ),
};

/** `q` and `p` are codes of the input and of twice it; `c` is what a case makes, in codes or floats. */
const CASES: { name: string; nodes: Node[]; floats?: boolean }[] = [
  {
    name: 'a convolution with a scale a channel and a bias, and a maximum of its codes',
    nodes: [
      node('QLinearConv', 'q s z filter filterScales zeros ys yz filterBias', 'f', { pads: [1, 1, 1, 1] }),
      node('MaxPool', 'f', 'c', { kernel_shape: [2, 2], strides: [2, 2] }),
    ],
  },
  {
    name: 'a product with a scale a column',
    nodes: [node('QLinearMatMul', 'q s z matrix filterScales zeros ys yz', 'c')],
  },
  {
    name: 'a product with a bias, transposed, whose result is floats',
    floats: true,
    nodes: [
      node('Flatten', 'q', 'f', { axis: 3 }),
      ours(node('QGemm', 'f s z rows scale zero filterBias', 'c', { transB: 1, alpha: float(1) })),
    ],
  },
  { name: 'a sum', nodes: [ours(node('QLinearAdd', 'q s z p s2 z2 ys yz', 'c'))] },
  { name: 'a product of values', nodes: [ours(node('QLinearMul', 'q s z p s2 z2 ys yz', 'c'))] },
  { name: 'a sigmoid', nodes: [ours(node('QLinearSigmoid', 'q s z ys yz', 'c'))] },
  {
    name: 'a leaky ReLU',
    nodes: [ours(node('QLinearLeakyRelu', 'q s z ys yz', 'c', { alpha: float(0.1) }))],
  },
  { name: 'a softmax', nodes: [ours(node('QLinearSoftmax', 'q s z ys yz', 'c', { axis: 3, opset: 16 }))] },
  {
    name: 'an average',
    nodes: [ours(node('QLinearAveragePool', 'q s z ys yz', 'c', { kernel_shape: [2, 2], channels_last: 0 }))],
  },
  { name: 'an average of all', nodes: [ours(node('QLinearGlobalAveragePool', 'q s z ys yz', 'c'))] },
  { name: 'a choice', nodes: [ours(node('QLinearWhere', 'yes q s z p s2 z2 ys yz', 'c'))] },
  {
    name: 'a concatenation',
    nodes: [ours(node('QLinearConcat', 'ys yz q s z p s2 z2', 'c', { axis: 1 }))],
  },
];

function modelOf(nodes: Node[], floats = false): Model {
  const model = buildModel({
    name: 'x',
    opset: 16,
    nodes: [
      node('QuantizeLinear', 'a s z', 'q'),
      node('QuantizeLinear', 'a s2 z2', 'p'),
      ...nodes,
      floats ? node('Identity', 'c', 'y') : node('DequantizeLinear', 'c ys yz', 'y'),
    ],
    inputs: { a: random(1, 2, 6, 6) },
    constants,
  });
  model.opsetImports.push({ domain: 'com.microsoft', version: 1 });
  return model;
}

const onCodes = (model: Model) =>
  model.graph.nodes.map(qualifiedType).filter((t) => t.includes(':') || t.startsWith('QLinear'));

describe('operators on codes as float operators between pairs', () => {
  it.each(CASES)('$name', async ({ nodes, floats }) => {
    const model = modelOf(nodes, floats);
    const { model: pairs, count } = asPairs(model);
    expect(onCodes(model)).toHaveLength(1);
    expect(onCodes(pairs)).toEqual([]);
    expect(count).toBe(nodes.some((n) => n.opType === 'MaxPool') ? 2 : 1);
    const a = { a: random(1, 2, 6, 6) };
    const [theirs, got] = [(await run(model, a)).y, (await run(pairs, a)).y];
    expect(got.dims).toEqual(theirs.dims);
    const gaps = Array.from(got.data as Float32Array, (v, i) =>
      Math.abs(v - (theirs.data as Float32Array)[i]),
    );
    // Sums of floats lie on the other side of a tie at most; sums that stay floats differ in their last bits.
    expect(Math.max(...gaps)).toBeLessThanOrEqual(floats ? 1e-5 : STEP + 1e-5);
    // Onnxruntime's softmax of codes adds up a table of integers: 7 of 72.
    expect(gaps.filter((g) => g > 1e-5).length).toBeLessThanOrEqual(gaps.length / 10);
  });

  it('stay where ONNX has no such operator, or the scale of a bias is computed', () => {
    const last = ours(node('QLinearGlobalAveragePool', 'q s z ys yz', 'c', { channels_last: 1 }));
    const older = ours(node('QLinearSoftmax', 'q s z ys yz', 'c', { opset: 11 }));
    const computed = node('QLinearConv', 'q t z filter filterScales zeros ys yz filterBias', 'c');
    for (const nodes of [[last], [older], [node('Identity', 's', 't'), computed]])
      expect(asPairs(modelOf(nodes)).count).toBe(0);
  });
});

/** A matrix of K rows and 4 columns in blocks of 32. */
function stored(k: number, bits: number, more: 'points' | 'bias' | undefined): Model {
  const blocks = Math.ceil(k / 32);
  const bytes = (count: number, step: number) => Array.from({ length: count }, (_, i) => (i * step) % 256);
  const model = buildModel({
    name: 'x',
    opset: 21,
    nodes: [
      ours(
        node('MatMulNBits', more === 'points' ? 'a b s p' : more === 'bias' ? 'a b s _ _ v' : 'a b s', 'y', {
          K: k,
          N: 4,
          bits,
          block_size: 32,
          accuracy_level: 1,
        }),
      ),
    ],
    inputs: { a: random(2, k) },
    constants: {
      b: tensor([4, blocks, 4 * bits], bytes(16 * blocks * bits, 37), 'uint8'),
      s: tensor(
        [4, blocks],
        bytes(4 * blocks, 7).map((v) => (v + 1) / 1024),
      ),
      p: tensor([4, Math.ceil((blocks * bits) / 8)], bytes(4 * Math.ceil((blocks * bits) / 8), 51), 'uint8'),
      v: random(4),
    },
  });
  model.opsetImports.push({ domain: 'com.microsoft', version: 1 });
  return model;
}

describe('MatMulNBits as a product with a stored matrix', () => {
  it.each([
    [96, 4, undefined, ['codes int4', 'scale']],
    [96, 4, 'points', ['codes uint4', 'scale', 'zero point']],
    [64, 8, 'points', ['codes uint8', 'scale', 'zero point']],
    [32, 4, 'bias', ['codes int4', 'scale']],
    [80, 4, 'points', ['floats']],
    [80, 8, undefined, ['floats']],
  ] as const)('of %i rows in %i bits with %s', async (k, bits, more, parts) => {
    const model = stored(k, bits, more);
    const { model: pairs, count } = asPairs(model);
    expect([count, onCodes(pairs)]).toEqual([1, []]);
    const { nodes } = pairs.graph;
    expect(nodes.find((n) => n.opType === 'DequantizeLinear')?.inputs.length ?? 1).toBe(parts.length);
    const a = { a: random(2, k) };
    const [theirs, got] = [(await run(model, a)).y, (await run(pairs, a)).y];
    // Sums in another order.
    expect(distance(theirs, got)).toBeLessThanOrEqual(1e-5);
  });

  it.each([
    ['widths that DequantizeLinear has not', 'bits', 2],
    ['a matrix smaller than it says', 'K', 640],
    ['no sizes', 'N', 0],
  ])('stays with %s', (_, name, value) => {
    const model = stored(96, 4, 'points');
    const [product] = model.graph.nodes;
    setAttribute(product, makeAttribute.int(name, value));
    expect(asPairs(model).count).toBe(0);
  });
});
