import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { addToHistogram, emptyHistogram } from '../../kernels/histogram.js';
import {
  type CalibrateOptions,
  calibrate,
  checkFinite,
  mergeStats,
  readStats,
} from '../../src/calibrate/index.js';
import type { Stats } from '../../src/calibrate/types.js';
import type { Sample, SampleSource } from '../../src/data/types.js';
import { QuantizeError } from '../../src/errors.js';
import { makeAttribute, makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { openModel } from '../../src/runtime/index.js';
import { seeded, value } from '../prepare/helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TENSORS = ['x', 'double', 'relu', 'hidden', 'y'];

/** x → MatMul → double → Relu → Cast to float16 and back → y; `dead` is needed by nothing that is calibrated. */
function model(dims: (number | string)[] = ['n', 4]): Model {
  const w = Float32Array.from({ length: 16 }, (_, i) => Math.sin(3 * i));
  return {
    irVersion: 8,
    opsetImports: [{ domain: '', version: 13 }],
    metadata: [],
    functions: [],
    graph: {
      name: 'tiny',
      nodes: [
        makeNode('MatMul', ['x', 'w'], ['double']),
        makeNode('Relu', ['double'], ['relu']),
        makeNode('Cast', ['relu'], ['hidden'], [makeAttribute.int('to', 10)]),
        makeNode('Cast', ['hidden'], ['y'], [makeAttribute.int('to', 1)]),
        makeNode('Cast', ['relu'], ['whole'], [makeAttribute.int('to', 7)]),
        makeNode('Log', ['double'], ['dead']),
      ],
      inputs: [value('x', dims)],
      outputs: [value('y', dims)],
      valueInfo: [],
      initializers: [floatTensor('w', [4, 4], w)],
      sparseInitializers: [],
    },
  };
}

/** `rows(i)` rows of four values each in sample i. */
function source(
  count: number,
  change: (values: Float32Array, i: number) => void = () => {},
  rows = (_: number) => 2,
) {
  const make = (index: number): Sample => {
    const next = seeded(index + 1);
    const data = Float32Array.from({ length: 4 * rows(index) }, () => 10 * next());
    change(data, index);
    return { id: `s${index}`, index, feeds: { x: { dtype: 'float32', dims: [rows(index), 4], data } } };
  };
  const samples: SampleSource['samples'] = async function* (wanted = () => true) {
    for (let index = 0; index < count; index++) if (wanted(index)) yield make(index);
  };
  return {
    description: `${count} samples`,
    kind: 'real',
    count,
    hash: `of ${count}`,
    samples,
    make,
  } as const;
}

const run = (from: SampleSource, options: Partial<CalibrateOptions> = {}, of = TENSORS) =>
  calibrate(model(), of, from, { modelHash: 'm', ...options });

const errorOf = async (work: Promise<unknown>): Promise<QuantizeError> => {
  const error = await work.then(
    () => new Error('no error'),
    (e) => e,
  );
  expect(error).toBeInstanceOf(QuantizeError);
  return error;
};

/** Every value of every tensor, gathered by the plain kernels from a session with all outputs. */
async function bruteForce(from: ReturnType<typeof source>): Promise<Stats['tensors']> {
  const all = model();
  all.graph.outputs = TENSORS.filter((t) => t !== 'x').map((name) => ({ name }));
  const session = await openModel(all);
  const stats: Stats['tensors'] = new Map();
  for (const name of TENSORS)
    stats.set(name, {
      count: 0,
      min: Infinity,
      max: -Infinity,
      nan: 0,
      inf: 0,
      extremes: [],
      ...emptyHistogram(),
    });
  for await (const { feeds, index } of from.samples()) {
    const out = { ...(await session.run(feeds)), ...feeds };
    for (const [name, t] of stats) {
      // The float16 values came from float32 ones through Cast, so y (cast back) holds them exactly.
      const values = (name === 'hidden' ? out.y : out[name]).data as Float32Array;
      const [min, max] = [Math.min(...values) + 0, Math.max(...values) + 0];
      t.count += values.length;
      t.min = Math.min(t.min, min);
      t.max = Math.max(t.max, max);
      t.extremes.push({ index, min, max });
      addToHistogram(values, t);
    }
  }
  await session.release();
  return stats;
}

describe('calibrate', () => {
  it.each([
    ['equal shapes', (_: number) => 2],
    ['growing shapes', (i: number) => 1 + i],
    ['shapes that come and go', (i: number) => 1 + (i % 3)],
  ])('gathers what brute force gathers: %s', async (_, rows) => {
    const from = source(9, undefined, rows);
    const stats = await run(from);
    expect(stats.tensors).toEqual(await bruteForce(from));
    expect(stats).toMatchObject({ samples: [[0, 8]], sampleCount: 9, kind: 'real', source: '9 samples' });
  });

  it('in range mode: the same without histograms', async () => {
    const from = source(5);
    const ranges = await run(from, { mode: 'range' });
    const full = await run(from);
    for (const [name, t] of full.tensors)
      expect(ranges.tensors.get(name)).toEqual({
        ...t,
        positive: new Float64Array(0),
        negative: new Float64Array(0),
      });
  });

  it('gives the same whatever the memory allows at a time', async () => {
    const from = source(6);
    const whole = await run(from);
    for (const memoryBudget of [1, 40, 64, 100]) expect(await run(from, { memoryBudget })).toEqual(whole);
  });

  it('has nothing to say of integer tensors', async () => {
    const stats = await run(source(2), {}, ['relu', 'whole']);
    expect(stats.tensors.get('relu')?.count).toBe(16);
    expect(stats.tensors.get('whole')?.count ?? 0).toBe(0);
  });

  it('reports progress', async () => {
    const seen: unknown[] = [];
    await run(source(5), { shard: [1, 2], onProgress: ({ done, total }) => seen.push([done, total]) });
    expect(seen).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  it.each([
    ['a tensor that no node makes', () => run(source(1), {}, ['nowhere']), 'CALIBRATE_TENSOR'],
    ['a shard that does not exist', () => run(source(3), { shard: [3, 3] }), 'CALIBRATE_SHARD'],
    ['no samples', () => run(source(0)), 'CALIBRATION_EMPTY'],
  ])('%s', async (_, work, code) => expect((await errorOf(work())).code).toBe(code));

  it('names the sample that onnxruntime does not take', async () => {
    const from = source(3);
    const samples: SampleSource['samples'] = async function* () {
      yield from.make(0);
      const bad = from.make(1);
      bad.feeds.x.dims = [1, 8];
      yield bad;
    };
    const error = await errorOf(run({ ...from, samples }));
    expect(error).toMatchObject({ code: 'SAMPLE_RUN', where: { sample: 's1' } });
    expect(error.message).toContain('x 1×8 float32');
  });
});

describe('shards', () => {
  const from = source(11);
  it.each([1, 2, 3, 5, 11])('%i of them merge to the single run, in any order', async (n) => {
    const single = await run(from);
    const parts: Stats[] = [];
    for (let i = 0; i < n; i++) parts.push(await run(from, { shard: [i, n] }));
    expect(mergeStats(parts)).toEqual(single);
    expect(mergeStats([...parts].reverse())).toEqual(single);
  });

  it('of which one is merged twice are refused', async () => {
    const part = await run(from, { shard: [0, 2] });
    expect((await errorOf((async () => mergeStats([part, part]))())).code).toBe('STATS_OVERLAP');
  });

  it.each([
    ['another model', { modelHash: 'other' }, 'STATS_OTHER_MODEL'],
    ['another mode', { mode: 'range' as const }, 'STATS_OTHER_SETTINGS'],
  ])('of %s are refused', async (_, other, code) => {
    const parts = [await run(from, { shard: [0, 2] }), await run(from, { shard: [1, 2], ...other })];
    expect((await errorOf((async () => mergeStats(parts))())).code).toBe(code);
    expect((await errorOf(run(from, { resume: parts[1] }))).code).toBe(code);
  });
});

describe('interruption', () => {
  it('keeps what there is, and a second run goes on to the same end', async () => {
    const from = source(8);
    const file = join(folder, 'checkpoint.stats');
    const stop = new AbortController();
    const onProgress = ({ done }: { done: number }) => done === 3 && stop.abort();
    const checkpoint = { file, everyMs: 1e9 };
    const error = await errorOf(run(from, { signal: stop.signal, checkpoint, onProgress }));
    expect(error).toMatchObject({ kind: 'interrupted', code: 'INTERRUPTED', exitCode: 130 });
    const resume = readStats(file, 'm');
    expect(resume.samples).toEqual([[0, 2]]);
    const rest: number[] = [];
    const counted = {
      ...from,
      samples: (w?: (i: number) => boolean) => from.samples((i) => !!w?.(i) && rest.push(i) > 0),
    };
    expect(await run(counted, { resume })).toEqual(await run(from));
    expect(rest).toEqual([3, 4, 5, 6, 7]);
  });

  it('before the first sample writes nothing', async () => {
    const file = join(folder, 'none.stats');
    const signal = AbortSignal.abort();
    expect((await errorOf(run(source(2), { signal, checkpoint: { file, everyMs: 0 } }))).code).toBe(
      'INTERRUPTED',
    );
    expect(existsSync(file)).toBe(false);
  });

  it('saves every so often', async () => {
    const file = join(folder, 'often.stats');
    const seen: number[] = [];
    const onProgress = () => existsSync(file) && seen.push(readStats(file).sampleCount);
    await run(source(4), { checkpoint: { file, everyMs: 0 }, onProgress });
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe('values that are no numbers', () => {
  const poison = (bad: number, isBad: (i: number) => boolean) =>
    source(6, (values, i) => {
      if (isBad(i)) values[1] = bad;
    });

  it.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
  ])('%s is found, with tensor and sample', async (_, bad) => {
    const stats = await run(poison(bad, (i) => i === 3));
    expect(stats.tensors.get('x')).toMatchObject({ firstBadSample: 's3', firstBadIndex: 3, count: 47 });
    const error = await errorOf((async () => checkFinite(stats))());
    expect(error.code).toBe('CALIBRATION_NOT_FINITE');
    expect(error.where.sample).toBe('s3');
  });

  it('keep their first sample through merging and files', async () => {
    const from = poison(Number.NaN, (i) => i >= 2);
    const single = await run(from);
    const parts = [await run(from, { shard: [1, 2] }), await run(from, { shard: [0, 2] })];
    expect(mergeStats(parts)).toEqual(single);
    expect(single.tensors.get('x')).toMatchObject({ nan: 4, firstBadSample: 's2' });
  });

  it('are not seen where there are none', async () => {
    const stats = await run(source(2));
    expect(() => checkFinite(stats)).not.toThrow();
  });
});
