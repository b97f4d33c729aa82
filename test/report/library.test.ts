import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/plan/types.js';
import { modelCost } from '../../src/report/cost.js';
import { lower } from '../../src/report/kernels.js';
import { libraryPlacement } from '../../src/report/library-placement.js';
import { parameterNames } from '../../src/report/parameters.js';
import { floatPlacement, planPlacement } from '../../src/report/placement.js';
import { shapesOf } from '../../src/report/shapes.js';
import type { Fact, Target } from '../../targets/types.js';
import { Builder, fullPlan } from './shapes.js';

const fact = (v: number): Fact => ({ value: v, unit: '', kind: 'inferred', source: 'test', date: '2026-01' });

/** Arithmetic and memory of no account, so that a run is what the library adds: seconds of round figures. */
const NOTHING = {
  ...{ gather: fact(0), walk: fact(0), column: fact(0) },
  ...{ integerElement: fact(0), layout: fact(0), decodeRow: fact(0) },
};
const chip = (costs: Partial<typeof NOTHING> = {}, kernel = 0): Target => ({
  id: 'test',
  name: 'test library',
  aliases: [],
  description: '',
  timing: 'modelled',
  activations: { format: 'int8', symmetric: true, reason: '' },
  floatFormat: 'float32',
  kernelOutputs: 'integer',
  peak: { float32: fact(1e30), int8: fact(1e30) },
  utilisation: { float32: fact(1), int8: fact(1) },
  vector: fact(1e30),
  array: { rows: fact(1), columns: fact(16), depth: fact(4) },
  memory: { bytes: fact(1e9), bandwidth: fact(1e30), efficiency: fact(1) },
  overhead: { dispatch: fact(0), kernel: fact(kernel) },
  library: { epilogues: ['Relu', 'Add'], clamps: ['Relu'], ...NOTHING, ...costs },
  integerOperators: ['*'],
  caveats: [],
});

function seconds(b: Builder, target: Target, plan?: Plan, fed: string[] = []): number {
  const model = b.build();
  const opened = { ...model, graph: { ...model.graph, inputs: [...model.graph.inputs] } };
  for (const name of fed) opened.graph.inputs.push({ name });
  const shapes = shapesOf(model, b.types);
  const lowering = lower(model, shapes, [], target.library);
  const parameters = parameterNames(model);
  const planned = plan
    ? planPlacement(plan, shapes, target, parameters)
    : floatPlacement(shapes, target, parameters);
  const placement = libraryPlacement(planned, lowering, shapes, target, { ...opened, irVersion: 8 });
  return modelCost(lowering, placement, shapes, target).seconds;
}

const conv = (channels: number, filters: number, kernel: number, group = 1): Builder => {
  const b = new Builder([1, channels, 10, 10]);
  b.conv(filters, kernel, { group });
  return b;
};
const tail = (...ops: string[]): Builder => {
  const b = conv(16, 16, 1);
  for (const op of ops) b.node(op, [b.end], [1, 16, 10, 10]);
  return b;
};
const swish = (): Builder => {
  const b = new Builder([1, 100]);
  const sigmoid = b.node('Sigmoid', ['input'], [1, 100]);
  b.node('Mul', ['input', sigmoid], [1, 100]);
  return b;
};
const summed = (rank: 2 | 3): Builder => {
  const dims = (n: number) => (rank === 2 ? [1, n] : [1, 1, n]);
  const b = new Builder(dims(100));
  const product = b.node('MatMul', ['input', b.constant('w', [100, 50])], dims(50));
  b.node('Add', [product, b.constant('c', [50])], dims(50));
  return b;
};

describe('a library of kernels, by hand', () => {
  const every = { gather: fact(1), walk: fact(1e-3), column: fact(1e-6) };
  it.each([
    // 100 outputs of a channel, 9 positions each.
    ['copies for filters of 3 channels', conv(3, 16, 3), chip(every), true, 900],
    ['copies for fewer than 16 filters', conv(16, 8, 3), chip(every), true, 900],
    ['walks where filters fill the array', conv(16, 16, 3), chip(every), true, 0.9],
    ['walks over all channels of depthwise filters at once', conv(8, 8, 3, 8), chip(every), true, 0.9],
    ['copies nothing for a single position', conv(16, 16, 1), chip(every), true, 0],
    ['copies nothing in float', conv(16, 16, 3), chip(every), false, 0],
    // Input and output of 1,600 values each; the output leaves the graph in floats.
    ['lays the input of integer convolutions out', conv(16, 16, 1), chip({ layout: fact(1) }), true, 1600],
    ['joins what it has kernels for', tail('Relu'), chip({}, 1), false, 1],
    ['calls others one by one', tail('Tanh', 'Tanh'), chip({}, 1), false, 3],
    ['has one for x · sigmoid(x)', swish(), chip({}, 1), false, 1],
    ['calls views', tail('Reshape'), chip({}, 1), false, 2],
    ['clamps while it rounds', tail('Relu'), chip({ integerElement: fact(1) }), true, 0],
  ])('%s', (_, b, target, int8, expected) => {
    expect(seconds(b, target, int8 ? fullPlan(b) : undefined)).toBeCloseTo(expected, 9);
  });

  it('copies values in float where weights may be fed anew', () => {
    // 100 outputs of a channel by 9 · 16 inputs.
    expect(seconds(conv(16, 16, 3), chip(every), undefined, ['w0'])).toBeCloseTo(14_400e-6, 9);
  });
});

describe('a sum with a constant behind a product', () => {
  /** Integers in, floats out; a scale a column. */
  const openEnded = (b: Builder): Plan => {
    const plan = fullPlan(b);
    const weights = plan.weights.map((w) => ({ ...w, axis: 1 }));
    return { ...plan, weights, activations: plan.activations.filter((a) => a.tensor === 'input') };
  };

  it.each([
    ['decodes the matrix in every run where floats leave', summed(2), openEnded, 5000],
    ['and so it does for stacks of known size', summed(3), openEnded, 5000],
    ['is integers where codes leave', summed(2), fullPlan, 0],
  ])('%s', (_, b, plan, expected) => {
    expect(seconds(b, chip({ decodeRow: fact(1) }), plan(b))).toBeCloseTo(expected, 6);
  });
});
