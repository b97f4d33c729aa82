import { describe, expect, it } from 'vitest';
import { blockShape } from '../../kernels/quantize.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import { meanError } from '../../src/quantize/correction.js';
import type { QuantizedWeight } from '../../src/quantize/types.js';
import { driftBetween, emitted, source } from '../emit/emitted.js';
import { conv, network } from '../plan/cases.js';

const weight = (dims: number[], codes: number[], scale: number[], axis?: number): QuantizedWeight => ({
  plan: {
    tensor: 'w',
    uses: [],
    format: 'int8',
    granularity: { kind: 'perchannel' },
    axis,
    symmetric: true,
    form: 'linear',
    weightOnly: false,
    reason: '',
  },
  dims,
  codes: Int8Array.from(codes),
  shape: blockShape(dims, axis),
  params: { scales: Float32Array.from(scale), zeroPoints: new Int32Array(scale.length) },
});

const means = (float: number[], rounded: number[]) => ({
  float: Float64Array.from(float),
  rounded: Float64Array.from(rounded),
});

/** By hand: Σ ŵ·E[x̂] − Σ w·E[x]. All numbers are exact in float32. */
const CASES = [
  {
    name: 'Gemm with transB',
    node: makeNode('Gemm', [], [], [makeAttribute.int('transB', 1)]),
    w: [1, 2, 3, 4],
    q: weight([2, 2], [2, 4, 6, 10], [0.5, 0.5], 0),
    m: means([1, 10], [1, 8]),
    error: [17 - 21, 43 - 43],
  },
  {
    name: 'Gemm without',
    node: makeNode('Gemm', [], []),
    w: [1, 3, 2, 4],
    q: weight([2, 2], [2, 6, 4, 10], [0.5, 0.5], 1),
    m: means([1, 10], [1, 8]),
    error: [17 - 21, 43 - 43],
  },
  {
    name: 'Conv over its kernel',
    node: makeNode('Conv', [], []),
    w: [1, 1, 1, 1],
    q: weight([1, 1, 2, 2], [3, 2, 2, 2], [0.5], 0),
    m: means([4], [4]),
    error: [18 - 16],
  },
  {
    name: 'depthwise Conv',
    node: makeNode('Conv', [], [], [makeAttribute.int('group', 2)]),
    w: [1, 2],
    q: weight([2, 1, 1, 1], [2, 5], [0.5, 0.5], 0),
    m: means([3, 4], [3, 4]),
    error: [0, 10 - 8],
  },
];

describe('meanError', () => {
  it.each(CASES)('$name', ({ node, w, q, m, error }) => {
    expect([...meanError(node, Float32Array.from(w), q, m)!]).toEqual(error);
  });

  it('knows no form for other operators, nor for means of another size', () => {
    expect(
      meanError(
        makeNode('ConvTranspose', [], []),
        new Float32Array(1),
        weight([1, 1], [1], [1], 0),
        means([1], [1]),
      ),
    ).toBeUndefined();
    expect(
      meanError(
        makeNode('Gemm', [], []),
        new Float32Array(1),
        weight([1, 1], [1], [1], 0),
        means([1, 2], [1, 2]),
      ),
    ).toBeUndefined();
  });
});

describe('bias correction', () => {
  it('leaves less drift in the output than rounding alone, on the samples it saw', async () => {
    const float = network({
      nodes: [makeNode('Relu', ['x'], ['r']), { ...conv('r', 'w1', 'y', 'b1'), attributes: [] }],
      outputs: ['y'],
    });
    const samples = source({ x: [1, 4, 6, 6] }, 16, 1);
    const drift = async (correct: boolean) => {
      const { model } = await emitted(float, samples, { correct });
      return driftBetween(float, model, samples, 4);
    };
    expect(await drift(true)).toBeLessThan(await drift(false));
  });
});
