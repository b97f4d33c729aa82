import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ARCHITECTURES, withoutWeights } from '../../fixtures/architectures/index.js';
import { saveModel } from '../../src/onnx/index.js';
import { PYTHON, python, WITHOUT } from './python.js';

const work = mkdtempSync(join(tmpdir(), 'quantize-architectures-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

it.skipIf(!PYTHON)(
  `published networks without weights pass onnx's own strict inference${PYTHON ? '' : ` (${WITHOUT})`}`,
  async () => {
    const expected: Record<string, number> = {};
    for (const { id, build } of ARCHITECTURES) {
      const file = join(work, `${id}.onnx`);
      const { model } = build({ past: 8 });
      await saveModel(withoutWeights(model, `${id}.data`), file);
      expected[file] = model.graph.nodes.length;
    }
    expect(await python('read_shapes.py', Object.keys(expected))).toEqual(expected);
  },
);
