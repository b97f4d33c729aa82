import { describe, expect, it } from 'vitest';
import { makeAttribute as a, makeNode } from '../../../src/ir/graph.js';
import type { Model, Node, Tensor } from '../../../src/ir/model.js';
import { foldBatchnorm } from '../../../src/prepare/passes/fold-batchnorm.js';
import { checkPass, model, type PassCase, random, value } from '../helpers.js';

/** Folding rounds each weight once: 2^-24 relative each, sums of up to 50 products here, with cancellation. */
const ROUNDING = 2e-6;

const bn = (x: string, y: string, extra: Partial<Node> = {}): Node => ({
  ...makeNode('BatchNormalization', [x, 's', 'b', 'm', 'v'], [y], [a.float('epsilon', 1e-3)]),
  ...extra,
});
const parameters = (channels: number): Tensor[] => [
  random('s', [channels], 1, 1.5),
  random('b', [channels]),
  random('m', [channels]),
  random('v', [channels], 3, 1.2),
];

interface Linear {
  op: string;
  weight: number[];
  input: (number | string)[];
  output: (number | string)[];
  channels: number;
  bias?: number[];
  attributes?: Node['attributes'];
  between?: Node[];
  after?: Partial<Node>;
  outputs?: string[];
  opset?: number;
  extra?: Tensor[];
  bnInput?: string;
}

const linear = (l: Linear): Model =>
  model(
    {
      inputs: [value('x', l.input)],
      outputs: (l.outputs ?? ['y']).map((name) => value(name, l.output)),
      initializers: [
        random('w', l.weight),
        ...(l.bias ? [random('c', l.bias)] : []),
        ...parameters(l.channels),
        ...(l.extra ?? []),
      ],
      nodes: [
        makeNode(l.op, l.bias ? ['x', 'w', 'c'] : ['x', 'w'], ['t'], l.attributes),
        ...(l.between ?? []),
        bn(l.bnInput ?? 't', 'y', l.after),
      ],
    },
    { opset: l.opset },
  );

const conv = { op: 'Conv', weight: [4, 3, 3, 3], input: [1, 3, 6, 6], output: [1, 4, 4, 4], channels: 4 };

const FOLDED: (Linear & { name: string; ops?: string[] })[] = [
  { name: 'case 1: Conv without bias', ...conv },
  { name: 'case 1: Conv with bias', ...conv, bias: [4] },
  { name: 'case 1: Conv at opset 7', ...conv, bias: [4], opset: 7 },
  { name: 'case 1: Conv at opset 15', ...conv, opset: 15 },
  { name: 'case 1: 1-D Conv', ...conv, weight: [4, 3, 3], input: [1, 3, 6], output: [1, 4, 4] },
  {
    name: 'case 1: depthwise Conv, two outputs a group',
    ...conv,
    weight: [6, 1, 3, 3],
    output: [1, 6, 4, 4],
    channels: 6,
    attributes: [a.int('group', 3)],
  },
  {
    name: 'case 2: ConvTranspose',
    ...conv,
    op: 'ConvTranspose',
    weight: [3, 4, 3, 3],
    output: [1, 4, 8, 8],
    bias: [4],
  },
  {
    name: 'case 2: ConvTranspose with groups',
    ...conv,
    op: 'ConvTranspose',
    weight: [4, 3, 2, 2],
    input: [1, 4, 5, 5],
    output: [1, 6, 6, 6],
    channels: 6,
    attributes: [a.int('group', 2)],
  },
  {
    name: 'case 3: Gemm transB with alpha and beta',
    op: 'Gemm',
    weight: [5, 7],
    input: [2, 7],
    output: [2, 5],
    channels: 5,
    bias: [1, 5],
    attributes: [a.int('transB', 1), a.float('alpha', 0.5), a.float('beta', 3)],
  },
  {
    name: 'case 3: Gemm with scalar bias',
    op: 'Gemm',
    weight: [7, 5],
    input: [2, 7],
    output: [2, 5],
    channels: 5,
    bias: [1],
  },
  {
    name: 'case 4: MatMul, rank 2: the shift becomes an Add',
    op: 'MatMul',
    weight: [7, 5],
    input: ['n', 7],
    output: ['n', 5],
    channels: 5,
    ops: ['MatMul', 'Add'],
  },
  {
    name: 'case 4: MatMul and Add',
    op: 'MatMul',
    weight: [7, 5],
    input: [2, 7],
    output: [2, 5],
    channels: 5,
    extra: [random('k', [5])],
    between: [makeNode('Add', ['k', 't'], ['u'])],
    bnInput: 'u',
    ops: ['MatMul', 'Add'],
  },
];

const KEPT: (Linear & { name: string; diagnostics?: string[] })[] = [
  { name: 'case 6: output of the convolution is a graph output', ...conv, outputs: ['y', 't'] },
  {
    name: 'case 6: output of the convolution is read elsewhere',
    ...conv,
    outputs: ['y', 'z'],
    between: [makeNode('Relu', ['t'], ['z'])],
  },
  {
    name: 'case 7: training form',
    ...conv,
    opset: 15,
    after: { outputs: ['y', 'rm', 'rv'], attributes: [a.int('training_mode', 1)] },
    outputs: ['y'],
  },
  {
    name: 'case 7: parameters are computed',
    ...conv,
    between: [makeNode('Relu', ['s'], ['s2'])],
    after: { inputs: ['t', 's2', 'b', 'm', 'v'] },
  },
  {
    name: 'case 4: MatMul of rank 3, whose channel axis is another',
    op: 'MatMul',
    weight: [7, 5],
    input: [2, 5, 7],
    output: [2, 5, 5],
    channels: 5,
  },
  {
    name: 'case 8: a vanishing variance overflows float32',
    ...conv,
    extra: [random('big', [4], 1, 1e38), random('zero', [4], 1, 1.1)],
    after: {
      inputs: ['t', 'big', 'b', 'm', 'v'],
      attributes: [a.float('epsilon', 1e-3)],
    },
  },
];

describe('fold-batchnorm', () => {
  it.each(FOLDED)('$name', async ({ ops, ...l }) => {
    const c: PassCase = {
      name: '',
      model: () => linear(l),
      changes: 1,
      ops: ops ?? [l.op],
      tolerance: ROUNDING,
    };
    await checkPass(foldBatchnorm, c);
  });

  it.each(KEPT.slice(0, 5))('$name: stays', async (l) => {
    const count = 2 + (l.between?.length ?? 0);
    await checkPass(foldBatchnorm, {
      name: '',
      model: () => linear(l),
      changes: 0,
      diagnostics: ['BATCHNORM_KEPT'],
      check: (after) => expect(after.graph.nodes).toHaveLength(count),
    });
  });

  it('case 8: stays when the folded weight would overflow', async () => {
    const m = linear(KEPT[5]);
    m.graph.initializers = m.graph.initializers.map((t) =>
      t.name === 'big'
        ? { ...t, rawData: new Uint8Array(Float32Array.of(3e38, 3e38, 3e38, 3e38).buffer) }
        : t,
    );
    m.graph.initializers = m.graph.initializers.map((t) =>
      t.name === 'v' ? { ...t, rawData: new Uint8Array(new Float32Array(4).buffer) } : t,
    );
    const result = await foldBatchnorm.run(m, {});
    expect(result.changes).toBe(0);
    expect(result.diagnostics?.[0].message).toContain('finite');
  });

  it('case 5: a shared weight is copied, the other reader keeps its values', async () => {
    const make = () =>
      model({
        inputs: [value('x', [1, 3, 6, 6])],
        outputs: [value('y', [1, 4, 4, 4]), value('z', [1, 4, 4, 4])],
        initializers: [random('w', [4, 3, 3, 3]), random('c', [4]), ...parameters(4)],
        nodes: [
          makeNode('Conv', ['x', 'w', 'c'], ['t']),
          makeNode('Conv', ['x', 'w', 'c'], ['z']),
          bn('t', 'y'),
        ],
      });
    await checkPass(foldBatchnorm, {
      name: '',
      model: make,
      changes: 1,
      ops: ['Conv', 'Conv'],
      tolerance: ROUNDING,
      check: (after) => expect(after.graph.nodes[0].inputs).toEqual(['x', 'w_1', 'c_1']),
    });
  });
});
