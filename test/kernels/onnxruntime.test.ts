import { expect, test } from 'vitest';
import { format } from '../../kernels/formats.js';
import { type BlockShape, type ChannelParams, dequantize, quantize } from '../../kernels/quantize.js';
import { uniform } from '../../kernels/random.js';
import { createKernels } from '../../kernels/wasm.js';
import { dtypeNumber } from '../../src/ir/dtypes.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, ValueInfo } from '../../src/ir/model.js';
import { floatTensor, makeTensor } from '../../src/ir/tensor.js';
import { encodeModel } from '../../src/onnx/index.js';
import { openSession } from '../../src/runtime/session.js';
import { hardValues } from './values.js';

type Id = 'int8' | 'uint8';

const value = (name: string, dtype: Id | 'float32', dims: number[]): ValueInfo => ({
  name,
  type: { tensor: { elemType: dtypeNumber(dtype), shape: { dims: dims.map((d) => ({ value: d })) } } },
});

/** x → QuantizeLinear → q → DequantizeLinear → y over [outer, channels, inner], axis 1. */
function model(id: Id, shape: BlockShape, params: ChannelParams): Model {
  const dims = [shape.outer, shape.channels, shape.inner];
  const perAxis = shape.channels > 1;
  const axis = perAxis ? [makeAttribute.int('axis', 1)] : [];
  const zeroPoints = (id === 'int8' ? Int8Array : Uint8Array).from(params.zeroPoints);
  const own = perAxis ? [shape.channels] : [];
  return {
    irVersion: 8,
    opsetImports: [{ domain: '', version: 13 }],
    metadata: [],
    functions: [],
    graph: {
      name: 'qdq',
      nodes: [
        makeNode('QuantizeLinear', ['x', 's', 'z'], ['q'], axis),
        makeNode('DequantizeLinear', ['q', 's', 'z'], ['y'], axis),
      ],
      inputs: [value('x', 'float32', dims)],
      outputs: [value('q', id, dims), value('y', 'float32', dims)],
      valueInfo: [],
      initializers: [floatTensor('s', own, params.scales), makeTensor('z', id, own, zeroPoints)],
      sparseInitializers: [],
    },
  };
}

/** Scales that are no power of two, so that ties arise only by rounding, and extreme ones. */
const SCALES = [0.37, 1 / 3, 0.1, 0.003937007859349251, 1, 2 ** -20, 1e-30, 1e30, 2 ** -126, 3e36];

/** 320,320 values a format: every scale per tensor, then channels on a middle and on the last axis. */
const CASES: [Id, string, BlockShape][] = (['int8', 'uint8'] as const).flatMap((id) => [
  ...SCALES.map((_, i): [Id, string, BlockShape] => [id, `${i}`, { outer: 1, channels: 1, inner: 30_030 }]),
  [id, 'middle axis', { outer: 7, channels: 10, inner: 143 }],
  [id, 'last axis', { outer: 1001, channels: 10, inner: 1 }],
]);

test.each(CASES)('%s, %s: plain, WASM and onnxruntime agree bit for bit', async (id, which, shape) => {
  const row = format(id);
  const next = uniform(which.length + id.length);
  const first = Number(which) || 0;
  const params = {
    scales: Float32Array.from({ length: shape.channels }, (_, c) => SCALES[(first + c) % SCALES.length]),
    zeroPoints: Int32Array.from({ length: shape.channels }, () => row.qmin + Math.floor(next() * 256)),
  };
  const n = shape.outer * shape.channels * shape.inner;
  const x = new Float32Array(n);
  // Each value is hard for its own channel's scale.
  const hard = [...params.scales].map((scale, c) => hardValues(scale, n, c + 1));
  for (let i = 0; i < n; i++) x[i] = hard[Math.floor(i / shape.inner) % shape.channels][i];

  const session = await openSession(encodeModel(model(id, shape, params)), { optimize: 'disabled' });
  const dims = [shape.outer, shape.channels, shape.inner];
  const { q, y } = await session.run({ x: { dtype: 'float32', dims, data: x } });
  await session.release();

  const plain = quantize(x, shape, params, row);
  const kernels = createKernels(1 << 16);
  const simd = kernels.quantize(x, shape, params, row);
  expect(firstDifference(plain, q.data as Int8Array, x)).toBeUndefined();
  expect(firstDifference(simd, q.data as Int8Array, x)).toBeUndefined();

  const wanted = bitsOf(y.data as Float32Array);
  expect(firstDifference(bitsOf(dequantize(plain, shape, params, row)), wanted, x)).toBeUndefined();
  expect(firstDifference(bitsOf(kernels.dequantize(simd, shape, params, row)), wanted, x)).toBeUndefined();
  expect(firstDifference(bitsOf(kernels.fakeQuantize(x, shape, params, row)), wanted, x)).toBeUndefined();
});

const bitsOf = (a: Float32Array): Uint32Array => new Uint32Array(a.buffer, a.byteOffset, a.length);

function firstDifference(found: ArrayLike<number>, wanted: ArrayLike<number>, x: Float32Array) {
  for (let i = 0; i < x.length; i++) {
    if (found[i] !== wanted[i]) return { i, x: x[i], found: found[i], wanted: wanted[i] };
  }
  return found.length === wanted.length ? undefined : 'length';
}

test('a float64 division would be seen: the values are aimed well', () => {
  const x = hardValues(0.1, 30_000, 1);
  const scale = Math.fround(0.1);
  const wrong = x.filter(
    (v) => Math.abs(v / scale) < 120 && Math.round(v / scale) !== Math.round(Math.fround(v / scale)),
  );
  expect(wrong.length).toBeGreaterThan(100);
});
