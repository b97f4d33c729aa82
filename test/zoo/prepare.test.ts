import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { QuantizeError } from '../../src/errors.js';
import { loadModel } from '../../src/onnx/index.js';
import {
  inferTypes,
  observeTypes,
  PASSES,
  type Prepared,
  prepare,
  staticDims,
} from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds, SessionOptions } from '../../src/runtime/types.js';
import { feedsFor, relativeError } from '../prepare/helpers.js';
import { ZOO } from './samples.js';
import { MODELS, modelFile, type ZooModel } from './zoo.js';

/**
 * Folding rounds every weight once more (2^-24 relative) and changes the order of sums. Over some hundred layers
 * with recurrences the error grows to about 1e3 roundings: 1e3 · 6e-8 = 6e-5 of an output's peak.
 */
const TOLERANCE = 1e-4;

const rows: { model: string; nodes: string; counts: number[]; error: number }[] = [];

async function firstSample(model: ZooModel): Promise<Feeds> {
  for await (const feeds of model.samples('evaluation').feeds()) return feeds;
  throw new Error(`${model.id} has no samples`);
}

async function outputs(model: Prepared['model'], feeds: Feeds, optimize: SessionOptions['optimize'] = 'all') {
  const session = await openModel(model, { threads: 1, optimize });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

describe.skipIf(!ZOO)('prepare on real models (QUANTIZE_ZOO names their folder)', () => {
  for (const entry of MODELS.filter((m) => m.metric !== 'refused')) {
    it(`${entry.id} computes the same`, async () => {
      const { model } = loadModel(modelFile(entry));
      const before = model.graph.nodes.length;
      const feeds = await firstSample(entry);
      const prepared = await prepare(model);
      expect(model.graph.nodes, 'the input is left alone').toHaveLength(before);
      const error = relativeError(await outputs(model, feeds), await outputs(prepared.model, feeds));
      rows.push({
        model: entry.id,
        nodes: `${before} → ${prepared.model.graph.nodes.length}`,
        counts: prepared.passes.map((p) => p.changes),
        error,
      });
      expect(error).toBeLessThanOrEqual(TOLERANCE);
      const again = await prepare(prepared.model);
      expect(again.passes.filter((p) => p.changes > 0)).toEqual([]);
      const raised = await prepare(model, { opset: 21 });
      const raisedError = relativeError(await outputs(model, feeds), await outputs(raised.model, feeds));
      expect(raisedError, 'at opset 21').toBeLessThanOrEqual(TOLERANCE);
      await everyShapeIsKnown(entry.id, prepared.model, feeds);
    });
  }

  for (const entry of MODELS.filter((m) => m.metric === 'refused'))
    it(`${entry.id} is refused`, async () => {
      const { model } = loadModel(modelFile(entry));
      await expect(prepare(model)).rejects.toMatchObject({ code: 'ALREADY_QUANTIZED', kind: 'unsupported' });
    });

  afterAll(() => {
    const ids = PASSES.map((pass) => pass.id);
    const lines = rows.map((r) => [r.model, r.nodes, ...r.counts, r.error.toExponential(1)].join(' | '));
    process.stdout.write(`${['model', 'nodes', ...ids, 'error'].join(' | ')}\n${lines.join('\n')}\n`);
  });
});

/** How many values have a shape that does not follow from the sample's dims: data decides it, an If, or Crop. */
const OPEN: Record<string, number> = {
  'vision/cifar10_vit_pgd_2_3_16': 1,
  'vision/style_candy': 42,
  'nlp/stories260K': 3,
  'audio/silero_vad_v5': 2,
};

async function everyShapeIsKnown(id: string, model: Prepared['model'], feeds: Feeds): Promise<void> {
  const dims = Object.fromEntries(Object.entries(feeds).map(([name, v]) => [name, v.dims]));
  const made = model.graph.nodes.flatMap((n) => n.outputs).filter((name) => name);
  const inferred = await inferTypes(model, dims);
  const observed = await observeTypes(model, feeds);
  const open = (types: typeof inferred) => made.filter((name) => staticDims(types.get(name)) === undefined);
  expect(open(inferred)).toHaveLength(OPEN[id] ?? 0);
  expect(open(observed)).toEqual([]);
}

/** Thousands of models of one operator or few, that stress a reader: no crash, same outputs. */
describe.skipIf(!ZOO)('prepare on odd models (QUANTIZE_ZOO names their folder)', () => {
  it.each([undefined, 21])('opset %s', async (opset) => {
    const tally: Record<string, string[]> = {};
    for (const file of onnxFiles(join(ZOO, 'models', 'odd'))) {
      const verdict = await judge(file, opset);
      tally[verdict] = [...(tally[verdict] ?? []), file.slice(ZOO.length)];
    }
    const counts = Object.entries(tally).map(([verdict, files]) => `${verdict} ${files.length}`);
    process.stdout.write(`odd models, opset ${opset ?? 'as is'}: ${counts.join(' · ')}\n`);
    const { same, refused, 'not run': skipped, ...wrong } = tally;
    expect(wrong).toEqual({});
    expect(same.length).toBeGreaterThan(skipped.length + refused.length);
  });
});

/** onnxruntime reads beyond the data when wrap pads exceed it, as our random pads do; its output is garbage. */
const UNDEFINED = ['test_wrap_pad'];

function onnxFiles(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((f) => f.endsWith('.onnx') && !UNDEFINED.some((name) => f.includes(name)))
    .map((f) => join(folder, f))
    .sort();
}

async function judge(file: string, opset: number | undefined): Promise<string> {
  let model: Prepared['model'];
  let feeds: Feeds;
  let before: Awaited<ReturnType<typeof outputs>>;
  try {
    model = loadModel(file).model;
    const session = await openModel(model, { threads: 1, optimize: 'disabled' });
    feeds = feedsFor(session.inputs);
    await session.release();
    before = await outputs(model, feeds, 'disabled');
  } catch {
    return 'not run';
  }
  try {
    const { model: after } = await prepare(model, { opset });
    // A few operators deep, folding included, the error is some roundings of 2^-24.
    const error = relativeError(before, await outputs(after, feeds, 'disabled'));
    return error <= 1e-5 ? 'same' : 'different';
  } catch (thrown) {
    const code = thrown instanceof QuantizeError ? thrown.code : String(thrown);
    return code === 'ALREADY_QUANTIZED' ? 'refused' : code;
  }
}
