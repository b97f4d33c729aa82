import { describe, expect, it } from 'vitest';
import { calibrate } from '../../../src/calibrate/index.js';
import { emitQdq } from '../../../src/emit/index.js';
import { makeNode } from '../../../src/ir/graph.js';
import { meansInTurn } from '../../../src/pipeline/steps/drift.js';
import { candidates, makePlan } from '../../../src/plan/index.js';
import { channelMeans, quantizeNumbers } from '../../../src/quantize/index.js';
import { openModel } from '../../../src/runtime/index.js';
import { source } from '../../emit/emitted.js';
import { conv, input, network } from '../../plan/cases.js';
import { random } from '../../prepare/helpers.js';

const plain = (x: string, w: string, y: string, bias: string) => ({ ...conv(x, w, y, bias), attributes: [] });
const float = {
  ...network({
    nodes: [
      plain('x', 'w', 'a', 'b1'),
      makeNode('Relu', ['a'], ['r']),
      plain('r', 'v', 'c', 'b2'),
      makeNode('Relu', ['c'], ['s']),
      plain('s', 'u', 'y', 'b3'),
    ],
    inputs: { x: [1, 4, 8, 8] },
    outputs: ['y'],
    // One tap: means are then the same whatever the position, and the correction exact.
    initializers: ['w', 'v', 'u'].map((name, i) => random(name, [4, 4, 1, 1], i + 1)),
  }),
  opsetImports: [{ domain: '', version: 21 }],
};
const samples = source({ x: [1, 4, 8, 8] }, 8);

describe('a bias correction in turn', () => {
  it('leaves no drift behind the last layer, where one layer by layer leaves some', async () => {
    const given = await input(float, { scheme: 'int3-a8-perchannel' });
    const stats = await calibrate(float, candidates(given), samples, { modelHash: 'test' });
    const plan = makePlan(given, stats, 'minmax', 'test');
    const job = { prepared: float, options: {} } as never;
    const drift = async (means: Parameters<typeof quantizeNumbers>[2]) => {
      const model = emitQdq(float, plan, quantizeNumbers(float, plan, means).numbers);
      const [a, b] = [await openModel(float), await openModel(model, { optimize: 'disabled' })];
      const sums = new Float64Array(4);
      let count = 0;
      for await (const { feeds } of samples.samples()) {
        const [x, y] = [(await a.run(feeds)).y.data, (await b.run(feeds)).y.data] as Float32Array[];
        count += x.length / 4;
        for (let i = 0; i < x.length; i++) sums[Math.floor(i / (x.length / 4))] += y[i] - x[i];
      }
      await Promise.all([a.release(), b.release()]);
      return Math.max(...sums.map((s) => Math.abs(s) / count));
    };
    const each = await drift(await channelMeans(float, plan, given.types, samples));
    const inTurn = await drift(await meansInTurn({ job, plan, source: samples, types: given.types }));
    // The bias itself is rounded to steps far below a thousandth.
    expect(inTurn).toBeLessThan(1e-3);
    expect(each).toBeGreaterThan(10 * inTurn);
  });
});
