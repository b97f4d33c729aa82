import { describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { floatTensor, makeTensor } from '../../src/ir/tensor.js';
import type { ValueMeta } from '../../src/runtime/types.js';
import {
  checkGates,
  checkSmoke,
  compareLayers,
  measureLatency,
  smokeRun,
  verify,
} from '../../src/verify/index.js';
import { groups } from '../../src/verify/layers.js';
import { makeModel, rows, scores, value } from './models.js';

/** Ten rows whose class is 0, 1, 2, … in turn among four, by a margin of 1. */
const DATA = Array.from({ length: 10 }, (_, i) => [0, 1, 2, 3].map((c) => (c === i % 4 ? 1 : 0)));
const LABELS = DATA.map((_, i) => i % 4);
const good = scores([0, 0, 0, 0]);
/** Same scores but for class 0, which wins everywhere. */
const broken = scores([9, 0, 0, 0]);
const evaluation = { source: rows(DATA), evidence: 'evaluation' } as const;

describe('verify', () => {
  it('finds nothing where nothing differs', async () => {
    const m = await verify({ float: good, quantized: good, labels: LABELS, ...evaluation });
    expect(m).toMatchObject({ samples: 10, source: '10 rows', optimisedSqnrDb: null });
    expect(m.outputs).toMatchObject([
      { output: 'y', sqnrDb: null, cosine: 1, maxAbsError: 0, top1Agreement: 1, top5Agreement: 1, kl: 0 },
    ]);
    expect(m.top1).toMatchObject({ float: 1, quantized: 1, drop: 0, rows: 10 });
  });

  it('measures a known error', async () => {
    // Every element is 1 % too large: the error is 0.01·x, so SQNR is 40 dB; float32 rounding shows in the sixth digit.
    const m = await verify({ float: good, quantized: scores([0, 0, 0, 0], 1.01), ...evaluation });
    expect(m.outputs[0].sqnrDb).toBeCloseTo(40, 4);
    expect(m.outputs[0].maxAbsError).toBeCloseTo(0.01, 6);
    expect(m.top1).toBeUndefined();
  });

  it('a broken model is seen, and each gate fails on it', async () => {
    const m = await verify({ float: good, quantized: broken, labels: LABELS, ...evaluation });
    // Rows 0, 4 and 8 are of class 0.
    expect(m.outputs[0].top1Agreement).toBeCloseTo(0.3, 12);
    expect(m.outputs[0].top5Agreement).toBe(1);
    expect(m.top1).toMatchObject({ float: 1, quantized: 0.3 });
    expect(m.top1!.drop).toBeCloseTo(70, 12);
    expect(m.top1!.dropInterval[0]).toBeLessThan(70);
    expect(m.top1!.dropInterval[1]).toBeGreaterThan(70);
    expect(() => checkGates(m, { maxAccuracyDrop: 1 })).toThrow('fell by 70.00 points');
    expect(() => checkGates(m, { minSqnr: 10 })).toThrow('SQNR');
    const unlabelled = await verify({ float: good, quantized: broken, ...evaluation });
    expect(() => checkGates(unlabelled, { maxAccuracyDrop: 1 })).toThrow('disagreement, 70.00 points');
  });

  it('counts rows without a label for agreement only', async () => {
    const labels = [...LABELS];
    labels[0] = Number.NaN;
    const m = await verify({ float: good, quantized: good, labels: labels.slice(0, 8), ...evaluation });
    expect(m.top1?.rows).toBe(7);
  });

  it('reports a float model that itself gives NaN', async () => {
    const poisoned = scores([Number.NaN, 0, 0, 0]);
    const m = await verify({ float: poisoned, quantized: good, ...evaluation });
    expect(m.outputs[0].nonFinite).toEqual({ float: 10, quantized: 0 });
    const worse = await verify({ float: good, quantized: poisoned, ...evaluation });
    expect(worse.outputs[0].nonFinite).toEqual({ float: 0, quantized: 10 });
    expect(() => checkGates(worse, { minSqnr: 0 })).toThrow('NaN or infinite');
  });

  it('compares outputs that are not float by equality', async () => {
    const index = (m: Model): Model => ({
      ...m,
      graph: {
        ...m.graph,
        nodes: [...m.graph.nodes, makeNode('ArgMax', ['y'], ['class'])],
        outputs: [value('class', [1, 4], 'int64')],
      },
    });
    const withAxis = (m: Model) => index(m);
    const m = await verify({ float: withAxis(good), quantized: withAxis(broken), ...evaluation });
    expect(m.outputs).toEqual([]);
    // ArgMax over axis 0 of one row gives zeros in both.
    expect(m.exactOutputs).toEqual([{ output: 'class', equal: 1 }]);
  });

  it.each([
    ['no samples', { source: rows([]) }, 'NO_SAMPLES'],
    ['a label that is no class', { labels: [7] }, 'LABEL_RANGE'],
    ['another output', { quantized: renamed(good) }, 'OUTPUT_MISSING'],
    ['an interrupt', { signal: AbortSignal.abort() }, 'INTERRUPTED'],
  ])('%s: %s', async (_, change, code) => {
    const options = { float: good, quantized: good, ...evaluation, ...change };
    await expect(verify(options)).rejects.toMatchObject({ code });
  });

  it('stops at the limit and tells progress', async () => {
    const seen: unknown[] = [];
    const onProgress = (done: number, total: number | undefined) => seen.push([done, total]);
    const m = await verify({ float: good, quantized: good, ...evaluation, limit: 3, onProgress });
    expect(m.samples).toBe(3);
    expect(seen).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });
});

function renamed(model: Model): Model {
  return {
    ...model,
    graph: {
      ...model.graph,
      nodes: [...model.graph.nodes, makeNode('Identity', ['y'], ['z'])],
      outputs: [value('z', [1, 4])],
    },
  };
}

describe('smoke run', () => {
  const feeds = { x: { dtype: 'float32' as const, dims: [1, 4], data: Float32Array.of(1, 2, 3, 4) } };

  it('runs a model with optimisations off and on', async () => {
    expect(await smokeRun(good, feeds)).toEqual({ optimisedSqnrDb: null });
  });

  it('refuses what onnxruntime does not open', async () => {
    const bad = makeModel([makeNode('NoSuchOp', ['x'], ['y'])], [value('x', [1, 4])], [value('y', [1, 4])]);
    await expect(smokeRun(bad, feeds)).rejects.toMatchObject({ code: 'MODEL_REJECTED' });
  });

  it.each([
    [null, false],
    [40, false],
    [2, true],
  ])('optimised SQNR %s dB: fails %s', (optimisedSqnrDb, fails) => {
    const run = () => checkSmoke({ optimisedSqnrDb });
    if (fails) expect(run).toThrow('optimisations on');
    else expect(run).not.toThrow();
  });
});

it('latency is measured in turns and is positive', async () => {
  const [sample] = DATA;
  const feeds = { x: { dtype: 'float32' as const, dims: [1, 4], data: Float32Array.from(sample) } };
  const both = await measureLatency({ float: good, quantized: broken, feeds, threads: 1, rounds: 3 });
  expect(both.threads).toBe(1);
  expect(both.floatMs).toBeGreaterThan(0);
  expect(both.quantizedMs).toBeGreaterThan(0);
  const alone = await measureLatency({ float: good, feeds, threads: 1, rounds: 3 });
  expect(alone.quantizedMs).toBe(alone.floatMs);
});

describe('layers', () => {
  const types = new Map<string, ValueMeta>(
    ['h', 'y'].map((name) => [name, { name, dtype: 'float32', dims: [1, 4] }]),
  );

  it('finds where the error comes in', async () => {
    const options = { float: good, quantized: scores([0.1, 0, 0, 0]), types, source: rows(DATA) };
    const layers = await compareLayers(options);
    expect(layers.map((l) => l.tensor)).toEqual(['h', 'y']);
    expect(layers[0].sqnrDb).toBeNull();
    // Σx² = 1 and the error 0.1² a sample: 20 dB; the tolerance is float32's rounding of 0.1.
    expect(layers[1].sqnrDb).toBeCloseTo(20, 3);
    expect(await compareLayers({ ...options, groupBytes: 1 })).toEqual(layers);
  });

  it('groups by size', () => {
    const sized = new Map<string, ValueMeta>(
      Object.entries({ a: 4, b: 4, c: 100, d: 1 }).map(([name, n]) => [
        name,
        { name, dtype: 'float32', dims: [n] },
      ]),
    );
    expect(groups(['a', 'b', 'c', 'd'], sized, 32)).toEqual([['a', 'b'], ['c'], ['d']]);
  });

  it('leaves out names that the quantized model lacks, and what is not float32', async () => {
    const other = scores([0, 0, 0, 0]);
    other.graph.nodes = [makeNode('MatMul', ['x', 'w'], ['h2']), makeNode('Add', ['h2', 'b'], ['y'])];
    const layers = await compareLayers({ float: good, quantized: other, types, source: rows(DATA) });
    expect(layers.map((l) => l.tensor)).toEqual(['y']);
  });
});

it('an int8 Q/DQ model runs the same optimised and plain within its own grid', async () => {
  const zero = makeTensor('z', 'int8', [], Int8Array.of(0));
  const q = makeModel(
    [
      makeNode('QuantizeLinear', ['x', 's', 'z'], ['q']),
      makeNode('DequantizeLinear', ['q', 's', 'z'], ['y']),
    ],
    [value('x', [1, 4])],
    [value('y', [1, 4])],
    [floatTensor('s', [], [1 / 127]), zero],
  );
  const identity = scores([0, 0, 0, 0]);
  const m = await verify({ float: identity, quantized: q, ...evaluation });
  expect(m.optimisedSqnrDb).toBeNull();
  expect(m.outputs[0].sqnrDb === null || m.outputs[0].sqnrDb > 100).toBe(true);
});
