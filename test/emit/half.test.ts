import { describe, expect, it } from 'vitest';
import { executableModel, type Half, narrowed } from '../../src/emit/index.js';
import { dtypeName } from '../../src/ir/dtypes.js';
import { isOp, makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor, floatValues, makeTensor } from '../../src/ir/tensor.js';
import { lint } from '../../src/lint/index.js';
import { decodeModel, encodeModel } from '../../src/onnx/index.js';
import { observeTypes, raiseOpset } from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { SessionOptions } from '../../src/runtime/types.js';
import { alike } from '../../src/verify/index.js';
import { network, type Shape } from '../plan/cases.js';
import { random } from '../prepare/helpers.js';
import { emitted, source } from './emitted.js';

/** A convolution in FP8, an operator with float32 sizes, one that bfloat16 lacks, and one that 16 bits lack. */
const NET: Shape = {
  inputs: { x: [1, 32, 4, 4] },
  outputs: ['y'],
  nodes: [
    makeNode('Conv', ['x', 'w', 'b'], ['c'], [makeAttribute.ints('pads', [1, 1, 1, 1])]),
    makeNode('Celu', ['c'], ['r']),
    makeNode('Resize', ['r', '', 'sizes'], ['u'], [makeAttribute.string('mode', 'nearest')]),
    makeNode('TopK', ['u', 'k'], ['top', 'at']),
    makeNode('Add', ['top', 'tiny'], ['y']),
  ],
  initializers: [
    random('w', [32, 32, 3, 3], 1),
    random('b', [32], 2),
    floatTensor('sizes', [4], [1, 1, 2, 2]),
    floatTensor('tiny', [1], [1e-12]),
    makeTensor('k', 'int64', [1], BigInt64Array.of(3n)),
  ],
};

async function made(to: Half, scheme = 'fp8-perchannel') {
  const float = network(NET);
  float.opsetImports[0].version = 21;
  const samples = source(NET.inputs!, 2);
  const { model } = await emitted(float, samples, { target: 'h100', scheme });
  for await (const { feeds } of samples.samples()) {
    const types = await observeTypes(float, feeds);
    const half = narrowed(model, to, types);
    return { model, samples, half: to === 'bf16' ? raiseOpset(half, 22).model : half };
  }
  throw new RangeError('no samples');
}

const typesOf = (m: Model) =>
  Object.fromEntries(m.graph.initializers.map((t) => [t.name, dtypeName(t.dataType)]));
const opened =
  (m: Model, options: SessionOptions = {}) =>
  () =>
    openModel(m, { threads: 1, ...options });

describe('narrowed', () => {
  it.each<[Half, string, number]>([
    // Eleven and eight digits, lost at each of four values on the way.
    ['fp16', 'float16', 50],
    ['bf16', 'bfloat16', 32],
  ])('to %s: scales too, by the rules, near to float32', async (to, type, dB) => {
    const { model, half, samples } = await made(to);
    const { sizes, w_scale, b, tiny } = typesOf(half);
    expect([sizes, w_scale, b, tiny]).toEqual([undefined, type, type, type]);
    expect(typesOf(half).sizes_float32).toBe('float32');
    expect(half.graph.nodes.filter((n) => isOp(n, 'Cast'))).toHaveLength(to === 'bf16' ? 6 : 4);
    expect(half.graph.outputs[0].type?.tensor?.elemType).toBe(1);
    expect(lint(half, 'tensorrt')).toEqual([]);
    const read = executableModel(decodeModel(encodeModel(half)));
    const { sqnrDb } = await alike([opened(executableModel(model)), opened(read)], samples, 2);
    expect(sqnrDb).toBeGreaterThan(dB);
  });

  it('to fp16 is what onnxruntime makes of the file itself, but for roundings that it skips', async () => {
    const { half, samples } = await made('fp16', 'int8-perchannel');
    const { sqnrDb } = await alike([opened(executableModel(half)), opened(half)], samples, 2);
    expect(sqnrDb ?? Number.POSITIVE_INFINITY).toBeGreaterThan(50);
    const bf16 = (await made('bf16')).half;
    await expect(openModel(bf16)).rejects.toMatchObject({ message: expect.stringContaining('Dequantize') });
  });

  it('holds large values, keeps lone ones from zero, and codes follow scales that it raises', async () => {
    const float = network({
      inputs: { x: [1, 2] },
      outputs: ['y'],
      nodes: [
        makeNode('DequantizeLinear', ['q', 's', 'z'], ['w'], [makeAttribute.int('axis', 1)]),
        makeNode('MatMul', ['x', 'w'], ['m']),
        makeNode('Add', ['m', 'mask'], ['a']),
        makeNode('Add', ['a', 'epsilon'], ['y']),
      ],
      initializers: [
        makeTensor('q', 'int8', [2, 2], Int8Array.of(64, 64, -12, -12)),
        makeTensor('z', 'int8', [2], new Int8Array(2)),
        floatTensor('s', [2], [2 ** -20, 2 ** -10]),
        floatTensor('mask', [2], [-1e9, Number.NEGATIVE_INFINITY]),
        floatTensor('epsilon', [1], [1e-12]),
      ],
    });
    const { graph } = narrowed(float, 'fp16', new Map());
    const values = (name: string) => [...floatValues(graph.initializers.find((t) => t.name === name)!)];
    expect(values('s')).toEqual([2 ** -17, 2 ** -10]);
    expect(values('mask')).toEqual([-65504, Number.NEGATIVE_INFINITY]);
    expect(values('epsilon')).toEqual([2 ** -24]);
    // −12 / 8 lies between two codes: ties to even.
    const codes = graph.initializers.find((t) => t.name === 'q')!.rawData!;
    expect([...new Int8Array(codes)]).toEqual([8, 64, -2, -12]);
  });

  it('refuses control flow by name', () => {
    const branch = {
      nodes: [],
      inputs: [],
      outputs: [],
      valueInfo: [],
      initializers: [],
      sparseInitializers: [],
    };
    const nested = network({
      outputs: [],
      nodes: [makeNode('If', ['c'], ['y'], [makeAttribute.graph('then_branch', branch)])],
    });
    expect(() => narrowed(nested, 'fp16', new Map())).toThrow('If has bodies that stay float32');
  });
});
