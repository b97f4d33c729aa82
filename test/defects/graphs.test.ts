// Numbers in the names are the rows of the list of defects of onnxruntime 1.30's own Python tool.
import { describe, expect, it } from 'vitest';
import { makeAttribute as a, allNodes, attribute, isOp, makeNode, opsetVersion } from '../../src/ir/graph.js';
import type { FunctionDef, Model, Node } from '../../src/ir/model.js';
import { floatTensor, floatValues, intValues, makeTensor } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { codeOf, folder } from '../data/files.js';
import { conv, network } from '../plan/cases.js';
import { graph, model, random, run, value } from '../prepare/helpers.js';
import { image, job, numbers, rows, sqnr } from './job.js';

const root = folder();
const ops = (m: Model): string[] => [...allNodes(m.graph)].map((n) => n.opType);
/** One step of an 8-bit grid over a few units is some hundredths; 30 dB is what random weights and inputs give with room. */
const GOOD_DB = 30;
const eightfold = (data: Float32Array) => data.set(data.map((v) => 8 * v));

describe('1: opset 12 and a scale for each channel', () => {
  it.each([7, 10, 12])('opset %i becomes at least 13, and DequantizeLinear has its axis', async (opset) => {
    const net = network({ nodes: [conv('x', 'w1', 'c', 'b1'), conv('c', 'w2', 'y')], outputs: ['y'] });
    net.opsetImports = [{ domain: '', version: opset }];
    const { quantized } = await job(root, net, rows(4, [4, 6, 6]));
    expect(opsetVersion(quantized)).toBeGreaterThanOrEqual(13);
    const axes = quantized.graph.nodes.filter((n) => attribute(n, 'axis')).map((n) => n.opType);
    expect(axes).toContain('DequantizeLinear');
    for (const optimize of ['disabled', 'all'] as const)
      await (await openModel(quantized, { optimize, threads: 1 })).release();
    expect(await sqnr(net, quantized, image([1, 4, 6, 6]))).toBeGreaterThan(GOOD_DB);
  });
});

describe('2: a Clip whose lower bound is not zero', () => {
  const clip = (x: string, y: string) => makeNode('Clip', [x, 'low', 'high'], [y]);
  const bounds = (low: number, high: number) => [
    floatTensor('low', [], [low]),
    floatTensor('high', [], [high]),
  ];
  const shapes: [string, Node[]][] = [
    ['at the end', [makeNode('MatMul', ['x', 'm'], ['c']), clip('c', 'y')]],
    [
      'between two integer kernels',
      [makeNode('MatMul', ['x', 'm'], ['c']), clip('c', 'd'), makeNode('MatMul', ['d', 'm2'], ['y'])],
    ],
    ['in front', [clip('x', 'c'), makeNode('MatMul', ['c', 'm'], ['y'])]],
  ];
  const cases = shapes.flatMap(([place, nodes]) =>
    [
      [1, 6],
      [-1, 1],
      [-6, -1],
      [0, 6],
    ].map(([low, high]) => ({ place, nodes, low, high })),
  );
  it.each(cases)('Clip($low, $high) $place keeps its meaning', async ({ nodes, low, high }) => {
    const identity = Array.from({ length: 16 }, (_, i) => Number(i % 5 === 0));
    const net = network({
      inputs: { x: [4, 4] },
      nodes,
      initializers: [
        ...bounds(low, high),
        floatTensor('m', [4, 4], identity),
        floatTensor('m2', [4, 4], identity),
      ],
      outputs: ['y'],
    });
    const { quantized } = await job(root, net, rows(16, [4, 4], eightfold));
    const feeds = image([4, 4], eightfold);
    const [x, y] = [numbers((await run(net, feeds)).y), numbers((await run(quantized, feeds)).y)];
    // Two steps of the widest grid in these networks: 16 / 255 each.
    for (const [i, v] of x.entries()) expect(Math.abs(v - y[i])).toBeLessThan((2 * 16) / 255);
    if (low !== 0) expect(ops(quantized)).toContain('Clip');
  });
});

/** IEEE binary16 of a number: exact for the powers of two and small integers used here. */
const half = new Map<number, number>();
for (let bits = 0; bits < 65536; bits++) half.set(halfOf(bits), bits);
function halfOf(bits: number): number {
  const [sign, exponent, mantissa] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return Number.NaN;
  return sign * 2 ** (Math.max(exponent, 1) - 25) * (mantissa + (exponent ? 1024 : 0));
}
const halves = (name: string, dims: number[], values: number[]) =>
  makeTensor(
    name,
    'float16',
    dims,
    Uint16Array.from(values, (v) => half.get(v)!),
  );

/** float16 weights 1×1, channel c of magnitude sizes[c], cast to float32 in front of the convolution, or a float16 network. */
function halfNetwork(sizes: number[], cast: boolean): Model {
  const dims = [sizes.length, 4, 1, 1];
  const values = sizes.flatMap((s) => [s, -s, s / 2, s / 4]);
  const type = cast ? 1 : 10;
  const weight = cast ? 'wf' : 'w';
  return model(
    {
      inputs: [value('x', [1, 4, 6, 6], type)],
      outputs: [value('y', undefined, type)],
      initializers: [halves('w', dims, values)],
      nodes: [
        ...(cast ? [makeNode('Cast', ['w'], ['wf'], [a.int('to', 1)])] : []),
        makeNode('Conv', ['x', weight], ['y'], [], { name: 'conv' }),
      ],
    },
    { opset: 13 },
  );
}

describe('3: float16 weights', () => {
  const CASES = [
    { name: '3: channels below 0.0078', sizes: [1, 2 ** -8, 2 ** -10, 2 ** -14] },
    { name: '3: all of them tiny, subnormal even', sizes: [2 ** -16, 2 ** -18, 2 ** -20, 2 ** -22] },
    { name: '3b: a span beyond 65504', sizes: [40000, 40000, 1, 1] },
  ];
  it.each(CASES)('$name: cast to float32, each keeps its values', async ({ sizes }) => {
    const net = halfNetwork(sizes, true);
    const { quantized, plan } = await job(root, net, rows(4, [4, 6, 6]));
    expect(plan.weights).toHaveLength(1);
    const constants = new Map(quantized.graph.initializers.map((t) => [t.name, t]));
    const dq = quantized.graph.nodes.find((n) => isOp(n, 'DequantizeLinear') && constants.has(n.inputs[0]))!;
    const codes = intValues(constants.get(dq.inputs[0])!);
    const scales = floatValues(constants.get(dq.inputs[1])!);
    for (const [channel, size] of sizes.entries()) {
      expect(Number.isFinite(scales[channel])).toBe(true);
      const got = codes.slice(4 * channel, 4 * channel + 4).map((q) => q * scales[channel]);
      // Half a step of a grid with 127 steps up to the largest value.
      for (const [i, exact] of [size, -size, size / 2, size / 4].entries())
        expect(Math.abs(got[i] - exact)).toBeLessThanOrEqual((size / 254) * 1.0001);
    }
  });

  it.each(CASES)('$name: a float16 network is left as it is, and says so', async ({ sizes }) => {
    const net = halfNetwork(sizes, false);
    const samples = rows(4, [4, 6, 6]);
    const { quantized, diagnostics, report } = await job(root, net, samples);
    expect(diagnostics.map((d) => d.code)).toContain('NOTHING_QUANTIZED');
    expect(report.leftInFloat[0]).toMatchObject({ node: 'conv', reason: expect.stringContaining('float16') });
    const data = Uint16Array.from({ length: 144 }, (_, i) => half.get((i % 9) / 4 - 1)!);
    const feeds = { x: { dtype: 'float16' as const, dims: [1, 4, 6, 6], data } };
    expect(await run(quantized, feeds)).toEqual(await run(net, feeds));
  });
});

describe('5, 6: what has no form here is refused by name', () => {
  const gemm = () =>
    network({
      inputs: { x: [2, 8] },
      nodes: [makeNode('Gemm', ['x', 'm', 'k'], ['y'])],
      initializers: [random('m', [8, 4]), random('k', [4])],
      outputs: ['y'],
    });
  it.each([
    ['5: blocks and a bias of a Gemm', 'int8-block8'],
    ['6: 4-bit weights', 'int4-qoperator'],
    ['no granularity', 'int8'],
    ['an accumulator’s format', 'int32-perchannel'],
  ])('%s: %s', async (_, scheme) => {
    expect(await codeOf(() => job(root, gemm(), rows(4, [8]), { scheme }))).toBe('UNKNOWN_SCHEME');
  });

  it('5: the bias of a Gemm in every shape that ONNX allows', async () => {
    for (const dims of [[4], [1], [1, 4], [2, 1], [2, 4], []]) {
      const net = gemm();
      net.graph.initializers[1] = random('k', dims);
      const { quantized } = await job(root, net, rows(8, [2, 8]));
      expect(await sqnr(net, quantized, image([2, 8])), `bias [${dims}]`).toBeGreaterThan(GOOD_DB);
    }
  });
});

describe('10: a model that is quantized already', () => {
  const qdq = [
    makeNode('QuantizeLinear', ['x', 's', 'z'], ['q']),
    makeNode('DequantizeLinear', ['q', 's', 'z'], ['y']),
  ];
  const constants = [floatTensor('s', [], [0.1]), makeTensor('z', 'uint8', [], Uint8Array.of(128))];
  const fn: FunctionDef = {
    name: 'Rounded',
    domain: 'local',
    inputs: ['x', 's', 'z'],
    outputs: ['y'],
    attributes: [],
    attributeDefaults: [],
    opsetImports: [{ domain: '', version: 13 }],
    valueInfo: [],
    nodes: qdq,
  };
  const io = { inputs: [value('x', [1, 4])], outputs: [value('y', [1, 4])], initializers: constants };
  const inFunction = model(
    { ...io, nodes: [makeNode('Rounded', ['x', 's', 'z'], ['y'], [], { domain: 'local' })] },
    { functions: [fn] },
  );
  inFunction.opsetImports.push({ domain: 'local', version: 1 });
  const branch = (name: string, nodes: Node[]) =>
    a.graph(name, graph({ nodes, outputs: [value('y', [1, 4])] }));
  const inBranch = model({
    ...io,
    outputs: [value('r', [1, 4])],
    initializers: [...constants, makeTensor('t', 'bool', [], Uint8Array.of(1))],
    nodes: [
      makeNode(
        'If',
        ['t'],
        ['r'],
        [branch('then_branch', qdq), branch('else_branch', [makeNode('Neg', ['x'], ['y'])])],
      ),
    ],
  });

  it('our own output is refused', async () => {
    const net = network({ nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')], outputs: ['y'] });
    const { quantized } = await job(root, net, rows(4, [4, 6, 6]));
    expect(await codeOf(() => job(root, quantized, rows(4, [4, 6, 6])))).toBe('ALREADY_QUANTIZED');
  });

  it.each([
    ['in the main graph', model({ ...io, nodes: qdq })],
    ['in a function', inFunction],
    ['in a branch', inBranch],
  ])('%s', async (_, net) => {
    expect(await codeOf(() => job(root, net, rows(4, [4])))).toBe('ALREADY_QUANTIZED');
  });
});

describe('11: one channel a hundred times larger than the others', () => {
  const depthwise = () =>
    network({
      nodes: [makeNode('Conv', ['x', 'k'], ['y'], [a.int('group', 4)])],
      initializers: [floatTensor('k', [4, 1, 1, 2], [100, -50, 1, 0.5, -0.9, 0.1, 0.8, 0.8])],
      outputs: ['y'],
    });
  it('one scale a tensor: a warning that names the layer and what to do', async () => {
    const { diagnostics } = await job(root, depthwise(), rows(4, [4, 6, 6]), { scheme: 'int8-perlayer' });
    expect(diagnostics.find((d) => d.code === 'CHANNEL_SPREAD')).toMatchObject({
      level: 'warning',
      message: expect.stringMatching(/3 of 4 channels.*perchannel/),
      where: { tensor: 'k', node: 'y' },
    });
  });
  it('one scale a channel: no warning, and every channel is right', async () => {
    const net = depthwise();
    const { diagnostics, quantized } = await job(root, net, rows(4, [4, 6, 6]));
    expect(diagnostics.map((d) => d.code)).not.toContain('CHANNEL_SPREAD');
    const feeds = image([1, 4, 6, 6]);
    const [x, y] = [numbers((await run(net, feeds)).y), numbers((await run(quantized, feeds)).y)];
    for (let c = 1; c < 4; c++) {
      const part = (v: number[]) => v.slice(30 * c, 30 * c + 30);
      // Two products, each off by half a step of the input (2/255) and half a step of the weight (1/127).
      for (const [i, v] of part(x).entries())
        expect(Math.abs(v - part(y)[i])).toBeLessThan(2 * (1 / 255 + 1 / 254) + 1e-6);
    }
  });
});

describe('14: functions, bodies and nodes without names', () => {
  it('a function is inlined and quantized', async () => {
    const block: FunctionDef = {
      name: 'Block',
      domain: 'local',
      inputs: ['p', 'w'],
      outputs: ['q'],
      attributes: [],
      attributeDefaults: [],
      opsetImports: [{ domain: '', version: 13 }],
      valueInfo: [],
      nodes: [conv('p', 'w', 'q')],
    };
    const net = model(
      {
        inputs: [value('x', [1, 4, 6, 6])],
        outputs: [value('y', undefined)],
        initializers: [random('w1', [4, 4, 3, 3])],
        nodes: [
          makeNode('Block', ['x', 'w1'], ['c'], [], { domain: 'local' }),
          makeNode('Block', ['c', 'w1'], ['y'], [], { domain: 'local' }),
        ],
      },
      { functions: [block] },
    );
    net.opsetImports.push({ domain: 'local', version: 1 });
    const { plan, quantized } = await job(root, net, rows(4, [4, 6, 6]));
    expect(plan.integer).toHaveLength(2);
    expect(await sqnr(net, quantized, image([1, 4, 6, 6]))).toBeGreaterThan(GOOD_DB);
  });

  it('weights in the branches of an If are stored as codes, and the report says how much that covers', async () => {
    const branch = (name: string, w: string) =>
      a.graph(
        name,
        graph({
          nodes: [makeNode('MatMul', ['x', w], ['o'])],
          outputs: [value('o', [2, 4])],
          initializers: [random(w, [8, 4])],
        }),
      );
    const net = model({
      inputs: [value('x', [2, 8])],
      outputs: [value('y', undefined)],
      initializers: [],
      nodes: [
        makeNode('ReduceSum', ['x'], ['s'], [a.int('keepdims', 0)]),
        makeNode('Cast', ['s'], ['b'], [a.int('to', 9)]),
        makeNode('If', ['b'], ['y'], [branch('then_branch', 'wt'), branch('else_branch', 'we')]),
      ],
    });
    const { plan, quantized, report, diagnostics } = await job(root, net, rows(4, [2, 8]));
    expect(plan.weights.map((w) => [w.tensor, w.weightOnly])).toEqual([
      ['wt', true],
      ['we', true],
    ]);
    expect(report.coverage.parameters).toBe(1);
    expect(report.leftInFloat.map((r) => r.opType)).toContain('If');
    expect(diagnostics.map((d) => d.code)).toContain('CONTROL_FLOW');
    expect(await sqnr(net, quantized, image([2, 8]))).toBeGreaterThan(GOOD_DB);
  });

  it('nodes without names are quantized and can be told apart', async () => {
    for (const name of [undefined, '']) {
      const net = network({ nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')], outputs: ['y'] });
      for (const node of net.graph.nodes) node.name = name;
      const { plan } = await job(root, net, rows(4, [4, 6, 6]));
      expect(new Set(plan.integer.map((n) => n.node)).size).toBe(2);
      const left = await job(root, net, rows(4, [4, 6, 6]), { keepFloat: [plan.integer[1].node] });
      expect(left.plan.integer).toHaveLength(1);
    }
  });

  it('an empty name to keep means no node, not all that have none', async () => {
    const net = network({ nodes: [conv('x', 'w1', 'c'), conv('c', 'w2', 'y')], outputs: ['y'] });
    for (const node of net.graph.nodes) node.name = '';
    expect(await codeOf(() => job(root, net, rows(4, [4, 6, 6]), { keepFloat: [''] }))).toBe('UNKNOWN_LAYER');
  });
});
