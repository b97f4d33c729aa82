import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Node } from '../../src/ir/model.js';
import { nodeMacs, nodeOperations, outputChannels } from '../../src/report/macs.js';
import { parameterNames } from '../../src/report/parameters.js';
import { type Shapes, shapesOf } from '../../src/report/shapes.js';
import { Builder, mobilenetV2, resnet50 } from './shapes.js';

const { int, ints, string } = makeAttribute;

/** Shapes of the named values; outputs are "y". */
function shapes(dims: Record<string, number[]>): Shapes {
  const b = new Builder([1]);
  for (const [name, d] of Object.entries(dims)) b.type(name, d);
  return shapesOf(b.build(), b.types);
}
const node = (opType: string, inputs: string[], attributes: Node['attributes'] = [], domain?: string): Node =>
  makeNode(opType, inputs, ['y'], attributes, { domain });

describe('MACs in closed form', () => {
  it.each([
    [
      'Conv 3×3',
      node('Conv', ['x', 'w']),
      { x: [1, 3, 8, 8], w: [16, 3, 3, 3], y: [1, 16, 8, 8] },
      16 * 64 * 27,
    ],
    [
      'Conv, batch 2',
      node('Conv', ['x', 'w']),
      { x: [2, 3, 8, 8], w: [16, 3, 3, 3], y: [2, 16, 4, 4] },
      2 * 16 * 16 * 27,
    ],
    [
      'Conv, depthwise',
      node('Conv', ['x', 'w']),
      { x: [1, 32, 8, 8], w: [32, 1, 3, 3], y: [1, 32, 8, 8] },
      32 * 64 * 9,
    ],
    [
      'Conv, 2 groups',
      node('Conv', ['x', 'w']),
      { x: [1, 8, 4, 4], w: [6, 4, 1, 1], y: [1, 6, 4, 4] },
      6 * 16 * 4,
    ],
    ['Conv 1-D', node('Conv', ['x', 'w']), { x: [1, 4, 10], w: [8, 4, 3], y: [1, 8, 8] }, 8 * 8 * 12],
    [
      'Conv 3-D',
      node('Conv', ['x', 'w']),
      { x: [1, 1, 4, 4, 4], w: [2, 1, 3, 3, 3], y: [1, 2, 2, 2, 2] },
      16 * 27,
    ],
    ['QLinearConv', node('QLinearConv', ['x', 's', 'z', 'w']), { w: [4, 2, 1, 1], y: [1, 4, 3, 3] }, 36 * 2],
    [
      'ConvTranspose',
      node('ConvTranspose', ['x', 'w']),
      { x: [1, 4, 5, 5], w: [4, 6, 2, 2], y: [1, 6, 10, 10] },
      100 * 24,
    ],
    [
      'ConvTranspose, groups',
      node('ConvTranspose', ['x', 'w']),
      { x: [1, 4, 5, 5], w: [4, 3, 2, 2], y: [1, 6, 10, 10] },
      100 * 12,
    ],
    ['MatMul', node('MatMul', ['x', 'w']), { x: [7, 5], w: [5, 3], y: [7, 3] }, 105],
    [
      'MatMul, batched',
      node('MatMul', ['x', 'w']),
      { x: [2, 4, 7, 5], w: [2, 4, 5, 3], y: [2, 4, 7, 3] },
      8 * 105,
    ],
    ['MatMul by a vector', node('MatMul', ['x', 'w']), { x: [7, 5], w: [5], y: [7] }, 35],
    ['Gemm', node('Gemm', ['x', 'w']), { x: [7, 5], w: [5, 3], y: [7, 3] }, 105],
    [
      'Gemm, A transposed',
      node('Gemm', ['x', 'w'], [int('transA', 1)]),
      { x: [5, 7], w: [5, 3], y: [7, 3] },
      105,
    ],
    [
      'Gemm, B transposed',
      node('Gemm', ['x', 'w'], [int('transB', 1)]),
      { x: [7, 5], w: [3, 5], y: [7, 3] },
      105,
    ],
    ['Gemm behind a dynamic Reshape', node('Gemm', ['x', 'w']), { w: [5, 3] }, 15],
    ['MatMul behind a dynamic Reshape', node('MatMul', ['x', 'w']), { w: [5, 3] }, 15],
    // LSTM, hidden 8: four gates of 8 rows over input 6 and state 8, each of 10 steps.
    [
      'LSTM',
      node('LSTM', ['x', 'w', 'r']),
      { x: [10, 1, 6], w: [1, 32, 6], r: [1, 32, 8] },
      10 * 4 * 8 * (6 + 8),
    ],
    [
      'LSTM, both ways',
      node('LSTM', ['x', 'w', 'r']),
      { x: [10, 3, 6], w: [2, 32, 6], r: [2, 32, 8] },
      2 * 30 * 32 * 14,
    ],
    ['GRU', node('GRU', ['x', 'w', 'r']), { x: [10, 1, 6], w: [1, 24, 6], r: [1, 24, 8] }, 10 * 3 * 8 * 14],
    ['RNN', node('RNN', ['x', 'w', 'r']), { x: [10, 1, 6], w: [1, 8, 6], r: [1, 8, 8] }, 10 * 8 * 14],
    [
      'Einsum',
      node('Einsum', ['x', 'w'], [string('equation', 'bid, bjd -> bij')]),
      { x: [2, 3, 4], w: [2, 5, 4], y: [2, 3, 5] },
      2 * 3 * 5 * 4,
    ],
    [
      'Einsum with …',
      node('Einsum', ['x', 'w'], [string('equation', '...i,...i->...')]),
      { x: [2, 3], w: [2, 3] },
      0,
    ],
    ['Relu', node('Relu', ['x']), { x: [4], y: [4] }, 0],
    ['unknown shapes', node('Conv', ['x', 'w']), {}, 0],
    [
      'a custom operator called Conv',
      node('Conv', ['x', 'w'], [], 'my.domain'),
      { w: [1, 1, 1, 1], y: [9] },
      0,
    ],
    ['toString', node('toString', ['x']), { x: [4], y: [4] }, 0],
  ] as [string, Node, Record<string, number[]>, number][])('%s', (_, n, dims, want) => {
    expect(nodeMacs(n, shapes(dims))).toBe(want);
  });

  it.each([
    ['Relu', node('Relu', ['x']), 1 * 12],
    ['Sigmoid', node('Sigmoid', ['x']), 8 * 12],
    ['MaxPool 3×3', node('MaxPool', ['x'], [ints('kernel_shape', [3, 3])]), 9 * 12],
    ['ReduceMean reads more than it writes', node('ReduceMean', ['x']), 48],
    ['Transpose moves', node('Transpose', ['x']), 0],
    ['Conv has MACs instead', node('Conv', ['x', 'w']), 0],
    ['an unknown operator', node('Mystery', ['x']), 48],
  ])('operations: %s', (_, n, want) => {
    expect(nodeOperations(n, shapes({ x: [48], w: [1, 1, 1, 1], y: [12] }))).toBe(want);
  });

  it('output channels are axis 1 of a convolution and the last of a product', () => {
    const s = shapes({ x: [1], w: [1], y: [1, 64, 7, 9] });
    expect(outputChannels(node('Conv', ['x', 'w']), s)).toBe(64);
    expect(outputChannels(node('MatMul', ['x', 'w']), s)).toBe(9);
  });
});

describe('published architectures', () => {
  it.each([
    // 8.178 GOP is MLPerf's figure for ResNet-50 v1.5. Parameters: 25,557,032 with 53,120 of batch norm, which fold into 26,560 biases.
    ['ResNet-50', resnet50(), 8.178e9, 25_557_032 - 53_120 + 26_560],
    // torchvision: 300.77 M MACs; 3,504,872 parameters, 34,112 of batch norm folding into 17,056 biases.
    ['MobileNetV2', mobilenetV2(), 601.5e6, 3_504_872 - 34_112 + 17_056],
  ])('%s', (_, b, operations, parameters) => {
    const model = b.build();
    const s = shapesOf(model, b.types);
    const macs = model.graph.nodes.reduce((sum, n) => sum + nodeMacs(n, s), 0);
    // Published to four digits.
    expect(Math.abs((2 * macs) / operations - 1)).toBeLessThan(5e-4);
    expect([...parameterNames(model)].reduce((sum, name) => sum + s.count(name), 0)).toBe(parameters);
  });
});
