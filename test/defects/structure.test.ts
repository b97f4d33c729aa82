// Numbers in the names are the rows of the list of defects of onnxruntime 1.30's own Python tool.
import { describe, expect, it } from 'vitest';
import { makeAttribute as a, makeNode } from '../../src/ir/graph.js';
import type { FunctionDef } from '../../src/ir/model.js';
import { codeOf, folder } from '../data/files.js';
import { conv, network } from '../plan/cases.js';
import { graph, model, random, value } from '../prepare/helpers.js';
import { image, job, rows, sqnr } from './job.js';

const root = folder();
/** One step of an 8-bit grid over a few units is some hundredths; 30 dB is what random weights and inputs give with room. */
const GOOD_DB = 30;

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
