import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dumpSamples } from '../zoo/dump.js';
import { ZOO } from '../zoo/samples.js';
import { MODELS, modelFile } from '../zoo/zoo.js';
import { PYTHON, python } from './python.js';

/**
 * Measures what the Python tool reaches on the shared models and writes test/zoo/reference.json. It takes an hour or
 * more, so it runs only when asked: QUANTIZE_REFERENCE=write, with QUANTIZE_PYTHON and QUANTIZE_ZOO.
 */
const WANTED = process.env.QUANTIZE_REFERENCE === 'write' && PYTHON !== '' && ZOO !== '';
const FILE = join(import.meta.dirname, '../zoo/reference.json');

/** The tool's own entropy method gives min-max's ranges exactly (both bin counts are 128), so it is left out. */
const SETTINGS: Record<string, string[]> = {
  'MinMax/S8S8': ['--method', 'MinMax'],
  'MinMax/U8S8': ['--method', 'MinMax', '--activation', 'QUInt8'],
  'Percentile/S8S8': ['--method', 'Percentile'],
};

describe.skipIf(!WANTED)('reference figures of the Python tool (QUANTIZE_REFERENCE=write)', () => {
  const models: Record<string, Record<string, unknown>> = {};
  it.each(MODELS.filter((m) => m.metric !== 'refused'))('$id', { timeout: 3_600_000 }, async (model) => {
    const folder = mkdtempSync(join(tmpdir(), 'quantize-reference-'));
    try {
      const sets = ['calibration', 'evaluation'] as const;
      for (const set of sets) await dumpSamples(model.samples(set), join(folder, set));
      const paths = [modelFile(model), ...sets.map((set) => join(folder, set))];
      models[model.id] = {};
      for (const [name, options] of Object.entries(SETTINGS))
        models[model.id][name] = await python('quantize_static.py', [...paths, ...options]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is written', () => {
    const versions = readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8')
      .trim()
      .split('\n');
    const tool =
      'onnxruntime.quantization.quantize_static, per channel, QDQ; see interop/python/quantize_static.py';
    writeFileSync(FILE, `${JSON.stringify({ tool, versions, models }, null, 2)}\n`);
    expect(Object.keys(models).length).toBeGreaterThan(0);
  });
});
