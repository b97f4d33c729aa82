// Numbers in the names are the rows of the list of defects of onnxruntime 1.30's own Python tool.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStats } from '../../src/calibrate/index.js';
import type { Stats } from '../../src/calibrate/types.js';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { calibrate, merge, plan, quantize } from '../../src/pipeline.js';
import { codeOf, folder } from '../data/files.js';
import { conv, network } from '../plan/cases.js';
import { files, job, options, rows } from './job.js';

const root = folder();
const twoConvs = (seed = 'w1') =>
  network({ nodes: [conv('x', seed, 'c', 'b1'), conv('c', 'w2', 'y')], outputs: ['y'] });
const SIZE = 4 * 6 * 6;
/** Samples of which the i-th reaches furthest. */
const peakIn = (count: number, i: number) =>
  rows(count, [4, 6, 6], (d) => {
    d[i * SIZE] = 9;
    d[i * SIZE + 1] = -7;
  });

/** What was measured, without where it came from. */
const measured = (stats: Stats) => [...stats.tensors].sort(([p], [q]) => (p < q ? -1 : 1));

describe('4: calibrating in pieces is calibrating', () => {
  it.each([1, 2, 3, 4, 5, 9])('%i samples: every one counts, the last as the first', async (count) => {
    for (const peak of new Set([0, count >> 1, count - 1])) {
      const paths = await files(root, twoConvs(), peakIn(count, peak));
      const whole = await calibrate(options(paths, { output: join(paths.root, 'whole.stats') }));
      expect(whole.stats.sampleCount).toBe(count);
      expect(whole.stats.tensors.get('x')).toMatchObject({ count: count * SIZE, min: -7, max: 9 });

      // A budget of one byte puts every tensor into a group, and so a session, of its own.
      const tight = await calibrate(options(paths, { output: join(paths.root, 'tight.stats'), memory: 1 }));
      expect(measured(tight.stats)).toEqual(measured(whole.stats));
    }
  });

  it('shards, merged in any order, give the same bytes as one run, and so the same model', async () => {
    const paths = await files(root, twoConvs(), peakIn(7, 6));
    const file = (name: string) => join(paths.root, name);
    await calibrate(options(paths, { output: file('whole.stats') }));
    for (const i of [0, 1, 2]) await calibrate(options(paths, { output: file(`${i}.stats`), shard: [i, 3] }));
    await merge(
      [2, 0, 1].map((i) => file(`${i}.stats`)),
      file('merged.stats'),
    );
    expect(readStats(file('merged.stats'))).toEqual(readStats(file('whole.stats')));
    const plans = [];
    // What a plan makes of statistics: rescaling looks at samples, so a file of statistics goes without it.
    for (const stats of [undefined, file('whole.stats'), file('merged.stats')])
      for (const memory of [undefined, 1])
        plans.push(await plan(options(paths, { stats, memory, method: 'mse', effort: 'fast' })));
    for (const other of plans) expect(other).toEqual(plans[0]);
  });

  it('a shard left out is seen', async () => {
    const paths = await files(root, twoConvs(), peakIn(4, 3));
    const file = join(paths.root, 'half.stats');
    const { stats } = await calibrate(options(paths, { output: file, shard: [0, 2] }));
    expect(stats.samples).toEqual([
      [0, 0],
      [2, 2],
    ]);
    expect(await codeOf(() => merge([file, file], join(paths.root, 'twice.stats')))).toBe('STATS_OVERLAP');
  });
});

describe('7: statistics and plans of another model', () => {
  it('are refused, and nothing is written', async () => {
    const mine = await files(root, twoConvs(), rows(3, [4, 6, 6]));
    const other = await files(
      root,
      network({ nodes: [conv('x', 'w3', 'y')], outputs: ['y'] }),
      rows(3, [4, 6, 6]),
    );
    const stats = join(other.root, 'other.stats');
    await calibrate(options(other, { output: stats }));
    for (const work of [quantize, plan])
      await expect(work(options(mine, { stats }))).rejects.toMatchObject({
        code: 'STATS_OTHER_MODEL',
        kind: 'invalid',
        where: { file: stats },
      });
    expect(existsSync(mine.output)).toBe(false);
  });

  it('of this model but of other tensors: the tensor that is missing is named', async () => {
    const net = network({
      nodes: [conv('x', 'w1', 'c'), makeNode('Relu', ['c'], ['r']), conv('r', 'w2', 'y')],
      outputs: ['y'],
    });
    const paths = await files(root, net, rows(3, [4, 6, 6]));
    const stats = join(paths.root, 'weights-first.stats');
    await calibrate(options(paths, { output: stats, keepFloat: ['y'] }));
    await expect(quantize(options(paths, { stats }))).rejects.toMatchObject({
      code: 'NO_STATISTICS',
      where: { tensor: 'r' },
      hint: expect.stringContaining('calibrate again'),
    });
  });
});

describe('8: values that are no numbers', () => {
  const nothingBut = (folder: string) =>
    expect(readdirSync(folder).sort()).toEqual(['net.onnx', 'samples.npy']);

  it.each([
    ['infinity', Number.POSITIVE_INFINITY],
    ['minus infinity', Number.NEGATIVE_INFINITY],
    ['NaN', Number.NaN],
  ])('%s in one sample: tensor and sample are named', async (_, bad) => {
    for (const method of ['minmax', 'mse', 'entropy', 'percentile', 'moving-average']) {
      const samples = rows(5, [4, 6, 6], (d) => {
        d[3 * SIZE + 5] = bad;
      });
      const paths = await files(root, twoConvs(), samples);
      await expect(quantize(options(paths, { method }))).rejects.toMatchObject({
        code: 'CALIBRATION_NOT_FINITE',
        kind: 'invalid',
        where: { tensor: 'x', sample: expect.stringContaining('3') },
      });
      nothingBut(paths.root);
    }
  });

  it('a tensor inside that overflows in one sample', async () => {
    const net = network({
      nodes: [makeNode('Exp', ['x'], ['e']), conv('e', 'w1', 'c'), conv('c', 'w2', 'y')],
      outputs: ['y'],
    });
    const samples = rows(3, [4, 6, 6], (d) => {
      d[2 * SIZE] = 100;
    });
    const paths = await files(root, net, samples);
    await expect(quantize(options(paths))).rejects.toMatchObject({
      code: 'CALIBRATION_NOT_FINITE',
      where: { tensor: expect.stringMatching(/^[ec]$/), sample: expect.stringContaining('2') },
    });
    nothingBut(paths.root);
  });

  it('a weight', async () => {
    const net = twoConvs();
    net.graph.initializers.push(
      floatTensor(
        'k',
        [4, 4, 3, 3],
        Array.from({ length: 144 }, (_, i) => (i === 7 ? Number.NaN : i)),
      ),
    );
    net.graph.nodes[0].inputs[1] = 'k';
    expect(await codeOf(() => job(root, net, rows(3, [4, 6, 6])))).toBe('WEIGHT_NOT_FINITE');
  });
});

describe('15: what statistics say of a tensor that reaches further down than up', () => {
  const lopsided = rows(3, [4, 6, 6], (d) => {
    for (const i of d.keys()) d[i] = Math.abs(d[i]) / 4;
    d[SIZE] = -8;
  });

  it('both ends with their signs, in the file too', async () => {
    const paths = await files(root, twoConvs(), lopsided);
    const { file } = await calibrate(options(paths, { output: join(paths.root, 'a.stats') }));
    const x = readStats(file).tensors.get('x')!;
    expect(x.min).toBe(-8);
    expect(x.max).toBeLessThan(0.3);
  });

  it('a grid centred on zero reaches the larger magnitude', async () => {
    const { plan } = await job(root, twoConvs(), lopsided, { target: 'ane', symmetric: true });
    const x = plan.activations.find((p) => p.tensor === 'x')!;
    expect(x.zeroPoint).toBe(0);
    // 8 is 127 steps away from zero; the scale is a float32.
    expect(x.scale).toBe(Math.fround(8 / 127));
  });
});
