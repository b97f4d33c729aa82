// Numbers in the names are the rows of the list of defects of onnxruntime 1.30's own Python tool.
import { describe, expect, it } from 'vitest';
import { makeAttribute as a, allNodes, attribute, makeNode, opsetVersion } from '../../src/ir/graph.js';
import type { FunctionDef, Model, Node } from '../../src/ir/model.js';
import { floatTensor, makeTensor } from '../../src/ir/tensor.js';
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

describe('5, 6: blocks and biases of a Gemm, and what has no form here', () => {
  const gemm = () =>
    network({
      inputs: { x: [2, 8] },
      nodes: [makeNode('Gemm', ['x', 'm', 'k'], ['y'])],
      initializers: [random('m', [8, 4]), random('k', [4])],
      outputs: ['y'],
    });
  it.each([
    ['6: 4-bit weights', 'int4-qoperator'],
    ['no granularity', 'int8'],
    ['an accumulator’s format', 'int32-perchannel'],
  ])('%s: %s', async (_, scheme) => {
    expect(await codeOf(() => job(root, gemm(), rows(4, [8]), { scheme }))).toBe('UNKNOWN_SCHEME');
  });

  it.each(['int8-perchannel', 'int8-block8', 'int8-a8-block8'])(
    '5: every shape of bias: %s',
    async (scheme) => {
      for (const dims of [[4], [1], [1, 4], [2, 1], [2, 4], []]) {
        const net = gemm();
        net.graph.initializers[1] = random('k', dims);
        const { quantized } = await job(root, net, rows(8, [2, 8]), { scheme });
        expect(await sqnr(net, quantized, image([2, 8])), `bias [${dims}]`).toBeGreaterThan(GOOD_DB);
      }
    },
  );
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
