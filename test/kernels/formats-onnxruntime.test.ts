import { describe, expect, test } from 'vitest';
import { blockShape, blockSize, scaleCount, scaleDims } from '../../kernels/blocks.js';
import { codeArray } from '../../kernels/codec.js';
import { decodeFloat, encodeFloat } from '../../kernels/floats.js';
import { FORMATS, format, type NumberFormat } from '../../kernels/formats.js';
import { packCodes } from '../../kernels/pack.js';
import { fakeQuantize } from '../../kernels/quantize.js';
import { uniform } from '../../kernels/random.js';
import { createKernels } from '../../kernels/wasm.js';
import { dtypeNumber } from '../../src/ir/dtypes.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../src/ir/model.js';
import { floatTensor, makeTensor } from '../../src/ir/tensor.js';
import { encodeModel } from '../../src/onnx/index.js';
import { openSession } from '../../src/runtime/session.js';
import { hardValues, neighbour, SPECIALS } from './values.js';

const kernels = createKernels(1 << 18);

/** x → nodes → y, both float32 of `dims`. */
async function run(nodes: Node[], dims: number[], x: Float32Array, opset: number, constants: Tensor[] = []) {
  const info = (name: string) => ({
    name,
    type: {
      tensor: { elemType: dtypeNumber('float32'), shape: { dims: dims.map((value) => ({ value })) } },
    },
  });
  const model: Model = {
    irVersion: 10,
    opsetImports: [{ domain: '', version: opset }],
    metadata: [],
    functions: [],
    graph: {
      name: 'there and back',
      nodes,
      inputs: [info('x')],
      outputs: [info('y')],
      valueInfo: [],
      initializers: constants,
      sparseInitializers: [],
    },
  };
  const session = await openSession(encodeModel(model), { optimize: 'disabled' });
  const { y } = await session.run({ x: { dtype: 'float32', dims, data: x } });
  await session.release();
  return y.data as Float32Array;
}

/** The first value that comes back otherwise; NaN equals NaN, and +0 and −0 are one number. */
function firstDifference(found: Float32Array, wanted: ArrayLike<number>, x: Float32Array) {
  const i = x.findIndex((_, at) => !Object.is(found[at] + 0, wanted[at] + 0));
  return i < 0 ? undefined : { x: x[i], found: found[i], wanted: wanted[i] };
}

/** Values beside every threshold of the format at scale 1, times `scale`, and anywhere. */
function aimed(row: NumberFormat, scale: number, n: number): Float32Array {
  const values = hardValues(scale, n, 11);
  if (row.kind === 'integer') return values;
  const codes = 2 ** (row.bits - 1) - 1;
  const next = uniform(5);
  for (let i = 0; i < n; i += 2) {
    const code = Math.floor(next() * codes);
    const [a, b] = [decodeFloat(code, row.layout!), decodeFloat(code + 1, row.layout!)];
    if (Number.isFinite(b)) values[i] = neighbour(((a + b) / 2) * scale * (i % 4 ? 1 : -1), (i % 3) - 1);
  }
  return values;
}

const QDQ: [string, number][] = [
  ['int16', 21],
  ['uint16', 21],
  ['int4', 21],
  ['uint4', 21],
  ['int2', 25],
  ['uint2', 25],
  ['fp8', 21],
  ['fp8e5m2', 21],
  ['fp8fnuz', 21],
  ['fp8e5m2fnuz', 21],
];

describe.each(QDQ)('%s: onnxruntime’s Q/DQ is ours', (id, opset) => {
  const row = format(id);
  test.each([
    ['per tensor', [30_000], undefined, undefined],
    ['per axis', [50, 7, 30], 1, undefined],
    ['in blocks of 16 along the last axis', [40, 64], 1, 16],
    ['in blocks of 32 along the first axis', [64, 30], 0, 32],
  ])('%s', async (_, dims, axis, block) => {
    const shape = blockShape(dims, axis, block);
    const groups = scaleCount(shape);
    const next = uniform(3);
    const params = {
      scales: Float32Array.from({ length: groups }, () => 0.37 * 2 ** Math.floor(next() * 3)),
      zeroPoints: Int32Array.from({ length: groups }, () =>
        row.kind === 'integer' ? Math.floor(row.qmin + next() * 2 ** row.bits) : 0,
      ),
    };
    // Beyond 2^31 steps onnxruntime wraps in these cases; a test of its deviations below holds that.
    const wraps = row.kind === 'integer' && (row.bits === 2 || axis === 0);
    const x = aimed(row, 0.37, blockSize(shape)).map((v) => (wraps && !(Math.abs(v) <= 2 ** 29) ? 1 : v));
    const own = scaleDims(dims, axis, block);
    const zeroPoints = codeArray(row, groups).map((_, i) => params.zeroPoints[i]);
    const stored = row.bits < 8 ? packCodes(zeroPoints, row.bits) : zeroPoints;
    const constants = [floatTensor('s', own, params.scales), makeTensor('z', row.dtype, own, stored)];
    const attributes = [
      ...(axis === undefined ? [] : [makeAttribute.int('axis', axis)]),
      ...(block === undefined ? [] : [makeAttribute.int('block_size', block)]),
    ];
    const nodes = [
      makeNode('QuantizeLinear', ['x', 's', 'z'], ['q'], attributes),
      makeNode('DequantizeLinear', ['q', 's', 'z'], ['y'], attributes),
    ];
    const y = await run(nodes, dims, x, opset, constants);
    expect(firstDifference(y, fakeQuantize(x, shape, params, row), x)).toBeUndefined();
    expect(firstDifference(y, kernels.fakeQuantize(x, shape, params, row), x)).toBeUndefined();
  });
});

/** ONNX element types of Cast; through it onnxruntime also runs formats that have no Q/DQ there. */
const CASTS: [string, number][] = [
  ['fp16', 21],
  ['bf16', 21],
  ['fp8', 21],
  ['fp8e5m2', 21],
  ['fp8fnuz', 21],
  ['fp8e5m2fnuz', 21],
  ['e8m0', 24],
];
const there = (row: NumberFormat, more: Parameters<typeof makeNode>[3] = []) => [
  makeNode('Cast', ['x'], ['q'], [makeAttribute.int('to', dtypeNumber(row.dtype)), ...more]),
  makeNode('Cast', ['q'], ['y'], [makeAttribute.int('to', dtypeNumber('float32'))]),
];
const PLAIN = { scales: Float32Array.of(1), zeroPoints: Int32Array.of(0) };
const one = (n: number) => ({ outer: 1, channels: 1, inner: n });

describe('onnxruntime’s Cast is ours', () => {
  test.each(CASTS)('%s', async (id, opset) => {
    const row = format(id);
    const x = row.layout ? aimed(row, 1, 20_000) : hardValues(0.5, 5000, 3);
    x.set(SPECIALS);
    const y = await run(there(row), [x.length], x, opset);
    expect(firstDifference(y, fakeQuantize(x, one(x.length), PLAIN, row), x)).toBeUndefined();
  });
});

/** Where onnxruntime 1.30 and the standard part; ours follows the standard. A change there fails here and is welcome. */
describe('deviations of onnxruntime', () => {
  const NOT_SATURATING = [makeAttribute.int('saturate', 0)];
  test.each([
    // Values that would be 480, the code of NaN, become 448.
    ['fp8', [480, 490, 495.99], 448, Number.NaN],
    // Values that round to 65536, infinity, become NaN.
    ['fp8e5m2', [61440, 63000, 65535], Number.NaN, Infinity],
  ])('%s without saturation', async (id, values, theirs, standard) => {
    const row = format(id);
    const x = Float32Array.from(values);
    const layout = { ...row.layout!, saturates: false };
    expect([...x].map((v) => decodeFloat(encodeFloat(v, layout), layout))).toEqual(
      values.map(() => standard),
    );
    expect([...(await run(there(row, NOT_SATURATING), [3], x, 21))]).toEqual(values.map(() => theirs));
  });

  /** With 2 bits the conversion to int32 overflows, and in blocks along any axis but the last the sum with a zero point. */
  test.each([
    ['int2', [4], undefined, 0, [-2, -2, -2, -2]],
    ['uint2', [4], undefined, 0, [0, 0, 0, 0]],
    ['int4', [2, 2], 0, -1, [8, 8, 8, 8]],
  ])('%s beyond 2^31 steps', async (id, dims, axis, zeroPoint, theirs) => {
    const row = format(id);
    const x = Float32Array.of(Infinity, 1e30, 2 ** 31, -1e30);
    const own = scaleDims(dims, axis, axis === undefined ? undefined : 2);
    const groups = own.reduce((a, b) => a * b, 1);
    const zeroPoints = codeArray(row, groups).fill(zeroPoint);
    const stored = row.bits < 8 ? packCodes(zeroPoints, row.bits) : zeroPoints;
    const constants = [
      floatTensor('s', own, new Float32Array(groups).fill(1)),
      makeTensor('z', row.dtype, own, stored),
    ];
    const attributes =
      axis === undefined ? [] : [makeAttribute.int('axis', axis), makeAttribute.int('block_size', 2)];
    const nodes = [
      makeNode('QuantizeLinear', ['x', 's', 'z'], ['q'], attributes),
      makeNode('DequantizeLinear', ['q', 's', 'z'], ['y'], attributes),
    ];
    expect([...(await run(nodes, dims, x, 25, constants))]).toEqual(theirs);
    const [high, low] = [row.qmax - zeroPoint, row.qmin - zeroPoint];
    const ours = fakeQuantize(x, one(4), { ...PLAIN, zeroPoints: Int32Array.of(zeroPoint) }, row);
    expect([...ours]).toEqual([high, high, high, low]);
  });

  test('Cast to int4 wraps where QuantizeLinear saturates', async () => {
    const x = Float32Array.of(7, 8, 9);
    expect([...(await run(there(format('int4')), [3], x, 21))]).toEqual([7, -8, -7]);
  });

  test('fp4 has no kernel for Q/DQ', async () => {
    const constants = [floatTensor('s', [], [1]), makeTensor('z', 'float4e2m1', [], Uint8Array.of(0))];
    const nodes = [
      makeNode('QuantizeLinear', ['x', 's', 'z'], ['q']),
      makeNode('DequantizeLinear', ['q', 's', 'z'], ['y']),
    ];
    await expect(run(nodes, [1], Float32Array.of(1), 23, constants)).rejects.toThrow();
  });

  test('the rows say what runs', () => {
    const running = FORMATS.filter((row) => row.executable).map((row) => row.id);
    for (const [id] of QDQ) expect(running).toContain(id);
    for (const id of ['fp4', 'fp6e2m3', 'fp6e3m2', 'nf4', 'lut4']) expect(running).not.toContain(id);
  });
});
