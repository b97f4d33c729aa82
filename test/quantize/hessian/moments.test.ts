import { describe, expect, it } from 'vitest';
import { makeAttribute, makeNode } from '../../../src/ir/graph.js';
import type { Attribute, Model, Node } from '../../../src/ir/model.js';
import { floatValues } from '../../../src/ir/tensor.js';
import type { WeightPlan } from '../../../src/plan/types.js';
import { inferTypes } from '../../../src/prepare/index.js';
import { type LinearForm, secondMoments, tasksOf } from '../../../src/quantize/hessian/index.js';
import { openModel } from '../../../src/runtime/index.js';
import { source } from '../../emit/emitted.js';
import { model, random, value } from '../../prepare/helpers.js';

const { int, ints, string } = makeAttribute;

interface Case {
  name: string;
  op: string;
  x: number[];
  w: number[];
  attributes?: Attribute[];
  /** Input of the weight. */
  input?: number;
}

/** One linear node each, whose outputs are all sums over weights, each position of the output counted once. */
const CASES: Case[] = [
  { name: 'Conv 1×1', op: 'Conv', x: [2, 3, 5, 4], w: [4, 3, 1, 1] },
  {
    name: 'Conv 3×3 padded',
    op: 'Conv',
    x: [1, 3, 6, 5],
    w: [4, 3, 3, 3],
    attributes: [ints('pads', [1, 1, 1, 1])],
  },
  {
    name: 'Conv with uneven pads, strides and dilations',
    op: 'Conv',
    x: [2, 3, 9, 8],
    w: [2, 3, 3, 2],
    attributes: [ints('pads', [1, 0, 2, 1]), ints('strides', [2, 3]), ints('dilations', [2, 1])],
  },
  { name: 'depthwise Conv', op: 'Conv', x: [1, 4, 6, 6], w: [4, 1, 3, 3], attributes: [int('group', 4)] },
  { name: 'grouped Conv', op: 'Conv', x: [2, 4, 5, 5], w: [6, 2, 3, 3], attributes: [int('group', 2)] },
  {
    name: 'Conv along one axis',
    op: 'Conv',
    x: [2, 3, 11],
    w: [4, 3, 5],
    attributes: [ints('strides', [2])],
  },
  { name: 'Conv in space', op: 'Conv', x: [1, 2, 4, 5, 3], w: [3, 2, 2, 2, 2] },
  { name: 'Gemm', op: 'Gemm', x: [3, 5], w: [5, 4] },
  { name: 'Gemm with transB', op: 'Gemm', x: [3, 5], w: [4, 5], attributes: [int('transB', 1)] },
  { name: 'Gemm with transA', op: 'Gemm', x: [5, 3], w: [5, 4], attributes: [int('transA', 1)] },
  { name: 'Gemm with a weight on the left', op: 'Gemm', x: [5, 3], w: [4, 5], input: 0 },
  { name: 'MatMul', op: 'MatMul', x: [2, 3, 5], w: [5, 4] },
  { name: 'MatMul with a weight on the left', op: 'MatMul', x: [2, 5, 3], w: [4, 5], input: 0 },
  {
    name: 'ConvTranspose whose positions do not overlap',
    op: 'ConvTranspose',
    x: [2, 4, 3, 3],
    w: [4, 3, 2, 2],
    attributes: [ints('strides', [2, 2]), int('group', 2)],
  },
];

function build({ op, x, w, attributes = [], input = 1 }: Case): { network: Model; node: Node } {
  const node = makeNode(op, input === 1 ? ['x', 'w'] : ['w', 'x'], ['y'], attributes, { name: 'n' });
  const graph = {
    nodes: [node],
    inputs: [value('x', x)],
    outputs: [value('y', undefined)],
    initializers: [random('w', w, 3)],
  };
  return { network: model(graph, { opset: 13 }), node };
}

const weightPlan = (input: number): WeightPlan => ({
  tensor: 'w',
  uses: [{ node: 'n', input }],
  format: 'int4',
  granularity: { kind: 'perlayer' },
  symmetric: true,
  form: 'linear',
  weightOnly: false,
  reason: '',
});

/** tr(W·H·Wᵀ) over the groups. */
function energy(w: Float32Array, form: LinearForm, h: Float64Array): number {
  const n = form.columns;
  let sum = 0;
  for (let g = 0; g < form.groups; g++)
    for (let r = 0; r < form.rows; r++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const at = (k: number) => w[g * form.groupStride + r * form.rowStride + k * form.columnStride];
          sum += at(i) * at(j) * h[g * n * n + i * n + j];
        }
  return sum;
}

describe('second moments of what a weight is multiplied with', () => {
  it.each(CASES)('$name: tr(W·H·Wᵀ) is the energy of the output', async (c) => {
    const { network } = build(c);
    const samples = source({ x: c.x }, 2);
    const types = await inferTypes(network);
    const tasks = tasksOf(network, [weightPlan(c.input ?? 1)], types);
    expect(tasks).toHaveLength(1);
    const [{ moments }] = await secondMoments(network, tasks, types, samples);
    const session = await openModel(network);
    let total = 0;
    for await (const { feeds } of samples.samples())
      for (const y of (await session.run(feeds)).y.data as Float32Array) total += y * y;
    await session.release();
    const w = floatValues(network.graph.initializers[0]);
    // Sums of float32 products: a hundred ulps.
    expect(energy(w, tasks[0].weights[0].form, moments) / (total / 2)).toBeCloseTo(1, 4);
  });

  it.each([
    {
      name: 'auto_pad',
      op: 'Conv',
      x: [1, 2, 5, 5],
      w: [2, 2, 3, 3],
      attributes: [string('auto_pad', 'SAME_UPPER')],
    },
    { name: 'a stack of matrices', op: 'MatMul', x: [2, 3, 5], w: [2, 5, 4] },
    { name: 'an operator that multiplies no matrix', op: 'Mul', x: [3, 4], w: [4] },
  ] satisfies Case[])('none for $name', async (c) => {
    const { network } = build(c);
    expect(tasksOf(network, [weightPlan(1)], await inferTypes(network))).toEqual([]);
  });

  it('reads a large map at every n-th row and column', async () => {
    const { network } = build({ name: '', op: 'Conv', x: [1, 1, 96, 96], w: [1, 1, 1, 1] });
    const types = await inferTypes(network);
    const tasks = tasksOf(network, [weightPlan(1)], types);
    const ones = source({ x: [1, 1, 96, 96] }, 1, 1);
    const [{ moments }] = await secondMoments(network, tasks, types, ones);
    // 32 × 32 positions of values whose mean square is 7/3.
    expect(moments[0]).toBeGreaterThan(2000);
    expect(moments[0]).toBeLessThan(2800);
  });
});
