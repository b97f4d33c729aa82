import { describe, expect, it } from 'vitest';
import { countDifferences, floatError, noDifferences } from '../../src/integer/differences.js';
import { compareInteger, compile } from '../../src/integer/index.js';
import type { Outcome } from '../../src/integer/types.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model, Node } from '../../src/ir/model.js';
import { floatTensor, int64Tensor, makeTensor } from '../../src/ir/tensor.js';
import { emitted, source } from '../emit/emitted.js';
import { conv, network, type Shape } from '../plan/cases.js';
import { random } from '../prepare/helpers.js';
import { makeModel, rows, scores, value } from '../verify/models.js';

const IMAGE = { x: [1, 4, 6, 6] };
const { int, ints, string } = makeAttribute;

/** A layer between two convolutions, so that it reads codes and writes codes. */
const between = (...nodes: Node[]): Node[] => [
  conv('x', 'w1', 'in', 'b1'),
  ...nodes,
  conv('out', 'w2', 'y', 'b2'),
];
const own = (
  attributes: Node['attributes'],
  weight: number[],
  x = 'x',
): Pick<Shape, 'nodes' | 'initializers'> => ({
  nodes: [makeNode('Conv', [x, 'k', 'v'], ['y'], attributes)],
  initializers: [random('k', weight), random('v', [weight[0]])],
});

interface Case extends Partial<Shape> {
  name: string;
  /** Operators of the integer layers, in order. */
  layers: string[];
  target?: string;
  scheme?: string;
  nodes: Node[];
}

const CASES: Case[] = [
  {
    name: 'convolutions and a Relu',
    nodes: between(makeNode('Relu', ['in'], ['out'])),
    layers: ['Conv', 'Conv'],
  },
  {
    name: 'a Clip within the layer',
    nodes: between(makeNode('Clip', ['in', 'low', 'high'], ['out'])),
    initializers: [floatTensor('low', [], [0]), floatTensor('high', [], [0.7])],
    layers: ['Conv', 'Conv'],
  },
  {
    name: 'strides and SAME_UPPER',
    ...own([string('auto_pad', 'SAME_UPPER'), ints('strides', [2, 2])], [3, 4, 3, 3]),
    layers: ['Conv'],
  },
  { name: 'SAME_LOWER', ...own([string('auto_pad', 'SAME_LOWER')], [3, 4, 2, 2]), layers: ['Conv'] },
  {
    name: 'VALID with dilation',
    ...own([string('auto_pad', 'VALID'), ints('dilations', [2, 2])], [3, 4, 2, 2]),
    layers: ['Conv'],
  },
  { name: 'groups', ...own([int('group', 2), ints('pads', [0, 1, 2, 0])], [6, 2, 3, 2]), layers: ['Conv'] },
  {
    name: 'depthwise',
    ...own([int('group', 4), ints('pads', [1, 1, 1, 1])], [8, 1, 3, 3]),
    layers: ['Conv'],
  },
  {
    name: 'one dimension',
    inputs: { x: [2, 4, 17] },
    ...own([ints('strides', [2]), ints('pads', [1, 0])], [3, 4, 3]),
    layers: ['Conv'],
  },
  {
    name: 'three dimensions stay float',
    inputs: { x: [1, 2, 4, 4, 4] },
    nodes: [makeNode('Conv', ['x', 'k'], ['y'])],
    initializers: [random('k', [3, 2, 2, 2, 2])],
    layers: [],
  },
  {
    name: 'a residual',
    nodes: between(
      makeNode('Relu', ['in'], ['r']),
      conv('r', 'w3', 'c'),
      makeNode('Add', ['r', 'c'], ['out']),
    ),
    layers: ['Conv', 'Conv', 'Add', 'Conv'],
  },
  {
    name: 'a gate for each channel',
    nodes: between(
      makeNode('GlobalAveragePool', ['in'], ['p']),
      makeNode('Conv', ['p', 'k'], ['g']),
      makeNode('Mul', ['in', 'g'], ['out']),
    ),
    initializers: [random('k', [4, 4, 1, 1])],
    layers: ['Conv', 'GlobalAveragePool', 'Conv', 'Mul', 'Conv'],
  },
  {
    name: 'AveragePool over padding that does not count',
    nodes: between(
      makeNode(
        'AveragePool',
        ['in'],
        ['out'],
        [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1]), ints('strides', [2, 2])],
      ),
    ),
    layers: ['Conv', 'AveragePool', 'Conv'],
  },
  {
    name: 'AveragePool over padding that counts',
    nodes: between(
      makeNode(
        'AveragePool',
        ['in'],
        ['out'],
        [
          ints('kernel_shape', [3, 3]),
          ints('pads', [1, 1, 1, 1]),
          ints('strides', [2, 2]),
          int('count_include_pad', 1),
        ],
      ),
    ),
    layers: ['Conv', 'AveragePool', 'Conv'],
  },
  {
    name: 'AveragePool whose last window is cut',
    nodes: between(
      makeNode(
        'AveragePool',
        ['in'],
        ['out'],
        [ints('kernel_shape', [3, 3]), ints('strides', [2, 2]), int('ceil_mode', 1)],
      ),
    ),
    layers: ['Conv', 'AveragePool', 'Conv'],
  },
  {
    name: 'MaxPool',
    nodes: between(
      makeNode('MaxPool', ['in'], ['out'], [ints('kernel_shape', [2, 2]), ints('pads', [1, 1, 0, 0])]),
    ),
    layers: ['Conv', 'MaxPool', 'Conv'],
  },
  {
    name: 'Concat, Split and Transpose',
    nodes: between(
      makeNode('Concat', ['in', 'in'], ['j'], [int('axis', 1)]),
      makeNode('Split', ['j'], ['out0', 's'], [int('axis', 1)]),
      makeNode('Transpose', ['s'], ['out'], [ints('perm', [0, 1, 3, 2])]),
    ),
    layers: ['Conv', 'Concat', 'Split', 'Transpose', 'Conv'],
  },
  {
    name: 'Resize by repetition and Pad with zeros',
    nodes: between(
      makeNode('Resize', ['in', '', 'scales'], ['r'], [string('mode', 'nearest')]),
      makeNode('Pad', ['r', 'ends'], ['out']),
    ),
    initializers: [
      floatTensor('scales', [4], [1, 1, 2, 2]),
      int64Tensor('ends', [8], [0, 0, 1, 0, 0, 0, 0, 2]),
    ],
    layers: ['Conv', 'Resize', 'Pad', 'Conv'],
  },
  {
    name: 'a Gemm with transB, its output in float',
    inputs: { x: [3, 20] },
    nodes: [makeNode('Gemm', ['x', 'k', 'v'], ['y'], [int('transB', 1)])],
    initializers: [random('k', [7, 20]), random('v', [7])],
    layers: ['Gemm'],
  },
  {
    name: 'a Gemm with alpha stays float',
    inputs: { x: [3, 20] },
    nodes: [makeNode('Gemm', ['x', 'k'], ['y'], [makeAttribute.float('alpha', 0.5)])],
    initializers: [random('k', [20, 7])],
    layers: [],
  },
  {
    name: 'MatMul over a batch, and of two activations',
    inputs: { x: [2, 5, 8] },
    nodes: [
      makeNode('MatMul', ['x', 'k'], ['q']),
      makeNode('Transpose', ['q'], ['t'], [ints('perm', [0, 2, 1])]),
      makeNode('MatMul', ['x', 't'], ['y']),
    ],
    initializers: [random('k', [8, 8])],
    layers: ['MatMul', 'Transpose', 'MatMul'],
  },
  {
    name: 'a float node between two layers',
    nodes: between(makeNode('Erf', ['in'], ['out'])),
    layers: ['Conv', 'Conv'],
  },
  // Convolutions of four channels are too narrow for what compiles for the H100.
  ...['tpu', 'ane'].map((target) => ({
    name: `convolutions for ${target}`,
    target,
    nodes: between(makeNode('Relu', ['in'], ['out'])),
    layers: ['Conv', 'Conv'],
  })),
  {
    name: 'one scale a tensor',
    scheme: 'int8-perlayer',
    nodes: between(makeNode('Relu', ['in'], ['out'])),
    layers: ['Conv', 'Conv'],
  },
  {
    name: 'unsigned weights with zero points',
    scheme: 'uint8-perchannel',
    nodes: between(makeNode('Relu', ['in'], ['out'])),
    layers: ['Conv', 'Conv'],
  },
];

async function integerModel({ target, scheme, ...shape }: Case) {
  const inputs = shape.inputs ?? IMAGE;
  const samples = source(inputs);
  const { model } = await emitted(network({ outputs: ['y'], ...shape }), samples, { target, scheme });
  return { model, samples };
}

describe('each layer on the codes of onnxruntime', () => {
  it.each(CASES.filter((c) => c.layers.length > 0))('$name', async (c) => {
    const { model, samples } = await integerModel(c);
    const found = await compareInteger({ model, source: samples, limit: 4 });
    expect(found.samples).toBe(4);
    expect(found.layers.map((l) => l.opType)).toEqual(c.layers);
    for (const layer of found.layers) {
      expect(layer.outputs, layer.node).toBeGreaterThan(0);
      expect([layer.qdq.unexplained, layer.qlinear.unexplained], layer.node).toEqual([0, 0]);
      const { accumulator } = layer;
      if (accumulator) {
        expect(accumulator.reached).toBeGreaterThan(0);
        expect(accumulator.reached).toBeLessThanOrEqual(accumulator.bound);
        expect(2 ** (accumulator.bits - 1)).toBeGreaterThan(accumulator.reached);
      }
    }
  });

  it.each(CASES.filter((c) => c.layers.length === 0))('$name', async (c) =>
    expect(compile((await integerModel(c)).model).units).toEqual([]),
  );
});

/** x [1, 4] · w [4, 2] with weights of 4 bits, a zero point of 1 a column, and no bias. */
function int4(): Model {
  const packed = Uint8Array.of(0x71, 0x8f, 0x20, 0xb3);
  return {
    ...makeModel(
      [
        makeNode('QuantizeLinear', ['x', 'sx', 'zx'], ['q']),
        makeNode('DequantizeLinear', ['q', 'sx', 'zx'], ['xd']),
        makeNode('DequantizeLinear', ['w', 'sw', 'zw'], ['wd'], [int('axis', 1)]),
        makeNode('MatMul', ['xd', 'wd'], ['y']),
      ],
      [value('x', [1, 4])],
      [value('y', [1, 2])],
      [
        floatTensor('sx', [], [0.5]),
        makeTensor('zx', 'uint8', [], Uint8Array.of(10)),
        makeTensor('w', 'int4', [4, 2], packed),
        floatTensor('sw', [2], [0.25, 2]),
        makeTensor('zw', 'int4', [2], Uint8Array.of(0x11)),
      ],
    ),
    opsetImports: [{ domain: '', version: 21 }],
    irVersion: 10,
  };
}

describe('narrow weights', () => {
  it('of 4 bits with zero points: the accumulators by hand', async () => {
    const model = int4();
    const { operands } = compile(model).units[0];
    expect([...operands[1].constant!.codes]).toEqual([1, 7, -1, -8, 0, 2, 3, -5]);
    const found = await compareInteger({ model, source: rows([[1, -2, 3, 40]]), limit: 1 });
    const [layer] = found.layers;
    // codes 12, 6, 16, 90 less 10: 2·0 − 4·−2 + 6·−1 + 80·2 = 162; 2·6 − 4·−9 + 6·1 + 80·−6 = −426
    expect(layer.accumulator?.reached).toBe(426);
    // the second column: (6 + 9 + 1 + 6)·245
    expect(layer.accumulator?.bound).toBe(22 * 245);
    expect([layer.qdq.unexplained, layer.qlinear.unexplained]).toEqual([0, 0]);
  });
});

describe('what cannot take the integer path', () => {
  it('a float model is refused', async () => {
    const refused = compareInteger({ model: scores([1, 2, 3]), source: rows([[1, 2, 3]]), limit: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'NO_INTEGER_LAYERS', kind: 'unsupported' });
  });
  it('no samples, no comparison', async () => {
    const refused = compareInteger({ model: int4(), source: rows([]), limit: 1 });
    await expect(refused).rejects.toMatchObject({ code: 'NO_SAMPLES', kind: 'invalid' });
  });
});

describe('a difference is explained only by a tie', () => {
  const grid = {
    scales: Float32Array.of(1),
    zeroPoints: Int32Array.of(0),
    format: { qmin: -128, qmax: 127 } as never,
    low: -128,
    high: 127,
  };
  const cases: [string, exact: number, theirs: number, differ: number, steps: number, unexplained: number][] =
    [
      ['equal', 2.3, 2, 0, 0, 0],
      ['a tie, the other way', 2.5, 3, 1, 1, 0],
      ['near a tie', 2.5 - 1e-6, 3, 1, 1, 0],
      ['away from a tie', 2.4, 3, 1, 1, 1],
      ['two steps', 2.5, 4, 1, 2, 1],
      ['saturated', 127.5, 126, 1, 1, 1],
    ];
  it.each(cases)('%s', (_, exact, theirs, differ, maxSteps, unexplained) => {
    const into = noDifferences();
    const rounded = exact === 2.5 ? 2 : Math.min(127, Math.round(exact));
    const ours: Outcome = {
      dims: [1],
      values: Int8Array.of(rounded),
      exact: () => exact,
      step: () => 1,
    };
    countDifferences(into, ours, [theirs], grid, () => floatError(100, 1));
    expect(into).toEqual({ differ, maxSteps, unexplained });
  });

  it('floats by the error of their sums', () => {
    const into = noDifferences();
    const ours: Outcome = { dims: [2], values: Float32Array.of(1, 1), exact: () => 1, step: () => 0 };
    countDifferences(into, ours, [1 + 1e-6, 1 + 1e-4], undefined, () => floatError(100, 1));
    expect(into).toEqual({ differ: 1, maxSteps: 0, unexplained: 1 });
  });
});
