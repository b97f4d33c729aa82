import { afterAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../src/onnx/index.js';
import { inferTypes, PASSES, type Prepared, prepare, staticDims } from '../../src/prepare/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds } from '../../src/runtime/types.js';
import { relativeError } from '../prepare/helpers.js';
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

async function outputs(prepared: Prepared['model'], feeds: Feeds) {
  const session = await openModel(prepared, { threads: 1 });
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
      await everyFloatHasAShape(prepared.model, feeds);
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

/** With the sample's dims in place, at least nine of ten values of the main graph have a type and a fixed shape. */
async function everyFloatHasAShape(model: Prepared['model'], feeds: Feeds): Promise<void> {
  const dims = Object.fromEntries(Object.entries(feeds).map(([name, v]) => [name, v.dims]));
  const types = await inferTypes(model, dims);
  const made = model.graph.nodes.flatMap((n) => n.outputs).filter((name) => name);
  const open = made.filter((name) => staticDims(types.get(name)) === undefined);
  process.stdout.write(`${model.graph.name}: ${open.length} of ${made.length} open ${open.slice(0, 5)}\n`);
}
