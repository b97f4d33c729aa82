import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { allNodes, opsetVersion } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import { loadModel } from '../../src/onnx/index.js';
import { upgradeOpset } from '../../src/prepare/opset/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds, SessionOptions, TensorValue } from '../../src/runtime/types.js';
import { distance } from '../prepare/opset/build.js';
import { randomFeeds } from '../runtime/feeds.js';
import { ZOO } from './samples.js';
import { MODELS, modelFile, type ZooModel } from './zoo.js';

const TARGETS = [13, 21];
/** Random operators draw anew in every session. */
const RANDOM = /^(Random|Bernoulli|Multinomial)/;

type Outputs = Record<string, TensorValue>;

async function run(model: Model, feeds: Feeds | undefined, optimize: SessionOptions['optimize']) {
  const session = await openModel(model, { threads: 1, optimize });
  try {
    const given = feeds ?? randomFeeds(session.inputs, 1);
    return given && { given, outputs: await session.run(given) };
  } finally {
    await session.release();
  }
}

const farthest = (a: Outputs, b: Outputs): number =>
  Object.keys(a).join() === Object.keys(b).join()
    ? Math.max(0, ...Object.keys(a).map((name) => distance(a[name], b[name])))
    : Number.POSITIVE_INFINITY;

/**
 * onnxruntime sums an average pool's window in another order from 19 on. Two orders of n values differ by at most
 * 2(n - 1) units of 2^-24 of the window's absolute sum; the odd models' windows have at most 9 values of like size.
 * Behind the pools of real networks come some ten layers, each of which may double it.
 */
const REORDERED = 2 * 8 * 2 ** -24;
const bound = (model: Model, to: number, growth: number): number =>
  to >= 19 && [...allNodes(model.graph)].some((n) => n.opType === 'AveragePool') ? REORDERED * growth : 0;

interface Entry {
  file: string;
  ops: Record<string, number>;
  opset: Record<string, number>;
  ort_load: string;
}

describe.skipIf(!ZOO)('upgrading the opset of odd models (QUANTIZE_ZOO names their folder)', () => {
  it('keeps the outputs of each', async () => {
    const folder = join(ZOO, 'models/odd');
    const index = JSON.parse(readFileSync(join(folder, 'ODD_INDEX.json'), 'utf8')) as Entry[];
    const counts: Record<string, number> = {};
    const wrong: string[] = [];
    for (const entry of index.filter(isCandidate)) {
      const outcome = await compare(join(folder, entry.file)).catch((e: Error) => `failed: ${e.message}`);
      const known = outcome.startsWith('failed') || outcome.startsWith('differs') ? 'wrong' : outcome;
      counts[known] = (counts[known] ?? 0) + 1;
      if (known === 'wrong') wrong.push(`${entry.file}: ${outcome}`);
    }
    process.stdout.write(`odd models raised to ${TARGETS.join(' and ')}: ${JSON.stringify(counts)}\n`);
    expect(wrong).toEqual([]);
    expect(counts.same).toBeGreaterThan(800);
  });
});

const isCandidate = (entry: Entry): boolean => {
  const version = entry.opset['ai.onnx'] ?? 99;
  return entry.ort_load === 'ok' && version < 21 && !Object.keys(entry.ops).some((op) => RANDOM.test(op));
};

async function compare(file: string): Promise<string> {
  const { model } = loadModel(file);
  const before = await run(model, undefined, 'disabled').catch(() => 'opens, but refuses random inputs');
  if (typeof before !== 'object') {
    await opens(model);
    return before ?? 'opens, and takes sequences, optionals or 4-bit values';
  }
  for (const to of TARGETS.filter((t) => t > opsetVersion(model))) {
    const after = await run(upgradeOpset(model, to).model, before.given, 'disabled');
    const error = farthest(before.outputs, after!.outputs);
    if (error > bound(model, to, 1)) return `differs at ${to} by ${error}`;
  }
  return 'same';
}

/** Where we have no valid input, the upgraded model must at least pass onnxruntime's checks. */
async function opens(model: Model): Promise<void> {
  for (const to of TARGETS.filter((t) => t > opsetVersion(model))) {
    const session = await openModel(upgradeOpset(model, to).model, { threads: 1, optimize: 'disabled' });
    await session.release();
  }
}

const rows: string[] = [];
async function firstSample(model: ZooModel): Promise<Feeds> {
  for await (const feeds of model.samples('evaluation').feeds()) return feeds;
  throw new Error(`${model.id} has no samples`);
}

describe.skipIf(!ZOO)('upgrading the opset of real models (QUANTIZE_ZOO names their folder)', () => {
  for (const entry of MODELS)
    it(`${entry.id} computes the same`, async () => {
      const { model } = loadModel(modelFile(entry));
      const feeds = await firstSample(entry);
      for (const optimize of ['disabled', 'all'] as const) {
        const before = (await run(model, feeds, optimize))!.outputs;
        for (const to of TARGETS.filter((t) => t > opsetVersion(model))) {
          const { model: upgraded, changes } = upgradeOpset(model, to);
          const error = farthest(before, (await run(upgraded, feeds, optimize))!.outputs);
          rows.push(
            `${entry.id} ${opsetVersion(model)} → ${to}, ${optimize}: ${changes} changes, error ${error}`,
          );
          expect.soft(error, `to ${to}, ${optimize}`).toBeLessThanOrEqual(bound(model, to, 16));
        }
      }
    });

  afterAll(() => {
    process.stdout.write(`${rows.join('\n')}\n`);
  });
});
