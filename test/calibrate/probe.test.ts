import { describe, expect, it } from 'vitest';
import { type CalibrateOptions, calibrate, mergeStats } from '../../src/calibrate/index.js';
import { planProbes } from '../../src/calibrate/probe.js';
import type { Stats } from '../../src/calibrate/types.js';
import type { Sample, SampleSource } from '../../src/data/types.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import type { ValueMeta } from '../../src/runtime/types.js';
import { random, seeded, value } from '../prepare/helpers.js';

const [C, SIDE] = [32, 32];
const TENSORS = ['x', 'conv', 'relu', 'clip', 'y'];
const MAP = [1, C, SIDE, SIDE];

/** x → 3×3 Conv → Relu → 1×1 Conv → Clip(0, 6) → Clip(−1, 6): the first two outputs of activations start at zero. */
function model(): Model {
  return {
    irVersion: 8,
    opsetImports: [{ domain: '', version: 13 }],
    metadata: [],
    functions: [],
    graph: {
      name: 'maps',
      nodes: [
        makeNode('Conv', ['x', 'w'], ['conv'], [makeAttribute.ints('pads', [1, 1, 1, 1])]),
        makeNode('Relu', ['conv'], ['relu']),
        makeNode('Conv', ['relu', 'v'], ['inner']),
        makeNode('Clip', ['inner', 'zero', 'six'], ['clip']),
        makeNode('Clip', ['inner', 'low', 'six'], ['y']),
      ],
      inputs: [value('x', ['n', 3, 'h', 'w'])],
      outputs: [value('y', ['n', C, 'h', 'w'])],
      valueInfo: [],
      initializers: [
        random('w', [C, 3, 3, 3], 1),
        random('v', [C, C, 1, 1], 2),
        ...[['zero', 0] as const, ['six', 6] as const, ['low', -1] as const].map(([name, v]) =>
          floatTensor(name, [], [v]),
        ),
      ],
      sparseInitializers: [],
    },
  };
}

const types = new Map<string, ValueMeta>(
  ['conv', 'relu', 'inner', 'clip', 'y'].map((name) => [name, { name, dtype: 'float32', dims: MAP }]),
);

function source(count: number, change: (sample: Sample) => void = () => {}): SampleSource {
  return {
    description: `${count} maps`,
    kind: 'real',
    count,
    hash: `of ${count}`,
    async *samples(wanted = () => true) {
      for (let index = 0; index < count; index++) {
        if (!wanted(index)) continue;
        const next = seeded(index + 1);
        const data = Float32Array.from({ length: 3 * SIDE * SIDE }, () => next());
        const sample: Sample = {
          id: `s${index}`,
          index,
          feeds: { x: { dtype: 'float32', dims: [1, 3, SIDE, SIDE], data } },
        };
        change(sample);
        yield sample;
      }
    },
  };
}

const run = (from: SampleSource, options: Partial<CalibrateOptions> = {}) =>
  calibrate(model(), TENSORS, from, { modelHash: 'm', types, ...options });
const ends = (stats: Stats) =>
  [...stats.tensors].map(([name, t]) => [name, Math.min(t.min, 0), t.max, t.count, t.nan, t.inf]);
/** Bucket below which the share `p` of a tensor's positive values lies. */
function percentile(counts: Float64Array, p: number): number {
  const total = counts.reduce((a, b) => a + b);
  let sum = 0;
  return counts.findIndex((count) => {
    sum += count;
    return sum >= p * total;
  });
}

describe('planProbes', () => {
  const plan = (names: string[], of = types) =>
    planProbes(model(), ['x', ...names], of, 'histogram').map((p) => [p.tensor, p.stride]);
  const sized = (dims: ValueMeta['dims'], dtype: ValueMeta['dtype'] = 'float32') =>
    new Map<string, ValueMeta>([['relu', { name: 'relu', dtype, dims }]]);
  it.each([
    [
      'maps that start at zero',
      TENSORS,
      types,
      [
        ['relu', 2],
        ['clip', 2],
      ],
    ],
    ['at most as coarse as four rows', ['relu'], sized([1, 4096, 16, 16]), [['relu', 4]]],
    ['at least 8192 values', ['relu'], sized([1, 96, 112, 112]), [['relu', 12]]],
    ['no small maps', ['relu'], sized([1, 32, 7, 7]), []],
    ['no vectors', ['relu'], sized([1, 1_000_000]), []],
    ['no open sizes', ['relu'], sized([1, 32, 'h', 'w']), []],
    ['no other types', ['relu'], sized(MAP, 'float16'), []],
    ['nothing without a type', ['relu'], new Map(), []],
  ])('%s', (_, names, of, gives) => expect(plan(names, of)).toEqual(gives));
});

describe('planProbes for ranges', () => {
  const plan = (m: Model, names: string[]) =>
    planProbes(m, names, types, 'range').map((p) => [p.tensor, p.min === undefined]);

  it('reduces every value whose shape is known, from zero where it starts there', () => {
    expect(plan(model(), TENSORS)).toEqual([
      ['conv', false],
      ['relu', true],
      ['clip', true],
      ['y', false],
    ]);
  });

  it('leaves alone what a NaN could hide in: behind an unobserved input, behind a Log', () => {
    expect(plan(model(), ['relu'])).toEqual([]);
    const risky = model();
    risky.graph.nodes.splice(0, 0, makeNode('Log', ['x'], ['log']));
    risky.graph.nodes[1].inputs[0] = 'log';
    expect(plan(risky, TENSORS)).toEqual([]);
  });
});

describe('probes', () => {
  it.each(['range', 'histogram'] as const)('find the same extremes and counts: %s', async (mode) => {
    const [probed, whole] = [
      await run(source(4), { mode }),
      await run(source(4), { mode, types: undefined }),
    ];
    expect(ends(probed)).toEqual(ends(whole));
    expect(probed.settingsHash).not.toBe(whole.settingsHash);
  });

  it('leave histograms close to those of all values, of the same total', async () => {
    const [probed, whole] = [await run(source(20)), await run(source(20), { types: undefined })];
    for (const name of ['relu', 'clip']) {
      const [a, b] = [probed.tensors.get(name)!, whole.tensors.get(name)!];
      expect(a.positive.reduce((x, y) => x + y)).toBe(b.count);
      // 160,000 values here: the 99 % quantile has a standard error of about half a bucket.
      for (const p of [0.7, 0.9, 0.99])
        expect(Math.abs(percentile(a.positive, p) - percentile(b.positive, p))).toBeLessThanOrEqual(3);
    }
    for (const name of ['x', 'conv', 'y']) expect(probed.tensors.get(name)).toEqual(whole.tensors.get(name));
  });

  it('merge from shards to the single run', async () => {
    const parts = [await run(source(5), { shard: [1, 2] }), await run(source(5), { shard: [0, 2] })];
    expect(mergeStats(parts)).toEqual(await run(source(5)));
  });

  it('give way to all values for samples of another shape', async () => {
    const from = source(3, ({ index, feeds }) => {
      if (index === 1) feeds.x = { ...feeds.x, dims: [1, 3, SIDE / 2, 2 * SIDE] };
    });
    for (const mode of ['range', 'histogram'] as const)
      expect(ends(await run(from, { mode }))).toEqual(ends(await run(from, { mode, types: undefined })));
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'give way for %d, and blame the same',
    async (bad) => {
      const from = source(3, ({ index, feeds }) => {
        if (index === 1) (feeds.x.data as Float32Array)[500] = bad;
      });
      for (const mode of ['range', 'histogram'] as const) {
        const [probed, whole] = [await run(from, { mode }), await run(from, { mode, types: undefined })];
        expect(ends(probed)).toEqual(ends(whole));
        expect(probed.tensors.get('x')?.firstBadSample).toBe('s1');
      }
    },
  );

  it('are left out when memory is so short that tensors go in groups', async () => {
    const memoryBudget = 2 * 4 * C * SIDE * SIDE;
    const grouped = await run(source(2), { memoryBudget: 4 * 3 * SIDE * SIDE });
    expect(ends(grouped)).toEqual(ends(await run(source(2), { memoryBudget })));
  });
});
