import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
// Threads run compiled code, so this test looks at what was built.
import { calibrate, readStats } from '../../dist/src/calibrate/index.js';
import type { Sample, SampleSource } from '../../src/data/types.js';
import { makeNode } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import type { ValueMeta } from '../../src/runtime/types.js';
import { random, seeded, value } from '../prepare/helpers.js';

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [K, N] = [1024, 4096];
/** Enough weights times samples for threads to pay. */
const COUNT = 40;
const TENSORS = ['x', 'product', 'y'];

/** x → MatMul (16 MB of weights) → product → Relu → y. */
const model: Model = {
  irVersion: 8,
  opsetImports: [{ domain: '', version: 13 }],
  metadata: [],
  functions: [],
  graph: {
    name: 'wide',
    nodes: [makeNode('MatMul', ['x', 'w'], ['product']), makeNode('Relu', ['product'], ['y'])],
    inputs: [value('x', [1, K])],
    outputs: [value('y', [1, N])],
    valueInfo: [],
    initializers: [random('w', [K, N], 1)],
    sparseInitializers: [],
  },
};
const types = new Map<string, ValueMeta>(
  ['product', 'y'].map((name) => [name, { name, dtype: 'float32', dims: [1, N] }]),
);

/** All samples are parts of one array, as those of an .npy file are. */
function source(change: (sample: Sample) => void = () => {}): SampleSource {
  const next = seeded(7);
  const all = Float32Array.from({ length: COUNT * K }, () => next());
  return {
    description: 'rows of an array',
    kind: 'real',
    count: COUNT,
    hash: 'rows',
    async *samples(wanted = () => true) {
      for (let index = 0; index < COUNT; index++) {
        if (!wanted(index)) continue;
        const data = all.subarray(index * K, (index + 1) * K);
        const sample: Sample = {
          id: `row ${index}`,
          index,
          feeds: { x: { dtype: 'float32', dims: [1, K], data } },
        };
        change(sample);
        yield sample;
      }
    },
  };
}

const run = (threads: number, from = source(), options = {}) =>
  calibrate(model, TENSORS, from, { modelHash: 'm', types, threads, ...options });
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('quantize-')).length;

describe('calibration on several threads', () => {
  it.each(['range', 'histogram'] as const)('gives bit for bit what one thread gives (%s)', async (mode) => {
    expect(await run(3, source(), { mode })).toEqual(await run(1, source(), { mode }));
  });

  it('goes on from the statistics of an interrupted run', async () => {
    const controller = new AbortController();
    const file = join(folder, 'interrupted.stats');
    const stop = source(({ index }) => index === 20 && controller.abort());
    const checkpoint = { file, everyMs: 1 };
    await expect(run(2, stop, { checkpoint, signal: controller.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    const resume = readStats(file, 'm');
    expect(resume.sampleCount).toBe(20);
    expect(await run(2, source(), { resume })).toEqual(await run(1));
  });

  it('finds a value that is no number, and the whole tensors behind it', async () => {
    const spoil = () =>
      source(({ index, feeds }) => {
        if (index === 11) feeds.x = { ...feeds.x, data: Float32Array.from({ length: K }, () => Infinity) };
      });
    const [crew, solo] = [await run(2, spoil()), await run(1, spoil())];
    expect(crew).toEqual(solo);
    expect(crew.tensors.get('product')).toMatchObject({ firstBadSample: 'row 11' });
  });

  it('names the sample that onnxruntime does not take, and leaves no file behind', async () => {
    const before = leftovers();
    const wrong = source(({ index, feeds }) => {
      if (index === 5) feeds.x = { ...feeds.x, dims: [2, K / 2] };
    });
    await expect(run(2, wrong)).rejects.toMatchObject({
      code: 'SAMPLE_RUN',
      kind: 'invalid',
      where: { sample: 'row 5' },
    });
    expect(leftovers()).toBe(before);
  });
});
