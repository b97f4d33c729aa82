import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type JobOptions, quantize } from '../../src/pipeline.js';
import { PYTHON, python, WITHOUT } from './python.js';

const FIXTURE = join(import.meta.dirname, '../../fixtures/shapes.onnx');
const work = mkdtempSync(join(tmpdir(), 'quantize-flavours-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The kernel that onnxruntime's CPU provider lacks first, or where it opens the file. */
type Opened = 'all' | 'basic' | RegExp;
type Flavour = [target: string, scheme: string, more: Partial<JobOptions>, opened: Opened];

/** Every way in which ONNX is written; optimisation takes pairs of FP8 for integers. */
const FLAVOURS: Flavour[] = [
  ['h100', 'fp8-perchannel', {}, 'basic'],
  ['h100', 'fp8-perchannel', { encoding: 'exec' }, 'all'],
  ['h100', 'fp8-perchannel', { highPrecision: 'fp16' }, 'basic'],
  ['h100', 'fp8-perchannel', { highPrecision: 'bf16' }, /DequantizeLinear/],
  ['h100', 'int8-perchannel', {}, 'all'],
  ['h100', 'int8-perchannel', { highPrecision: 'fp16' }, 'all'],
  ['h100', 'int8-perchannel', { highPrecision: 'bf16' }, /DequantizeLinear/],
  ['h100', 'int4-block64', {}, 'all'],
  ['h100', 'int4-block64', { highPrecision: 'fp16' }, 'all'],
  ['cpu', 'int8-perchannel', {}, 'all'],
  ['cpu', 'int8-a16-perchannel', {}, 'all'],
  ['cpu', 'int16-perchannel', {}, 'all'],
  ['cpu', 'int8-dynamic-perchannel', {}, 'all'],
  ['cpu', 'int4-block32', {}, 'all'],
  ['cpu', 'int4-block32', { weightOnly: 'matmulnbits' }, 'all'],
  ['ane', 'int8-perchannel', {}, 'all'],
  ['tpu', 'int8-perchannel', {}, 'all'],
];

interface Read {
  checker: string;
  opened: string;
}

describe.skipIf(!PYTHON)(
  `onnx and onnxruntime take every flavour${PYTHON ? '' : ` (${WITHOUT})`}`,
  async () => {
    const files: string[] = [];
    if (PYTHON)
      for (const [i, [target, scheme, more, opened]] of FLAVOURS.entries()) {
        const output = join(work, `${i}.onnx`);
        const job = {
          model: FIXTURE,
          target,
          scheme,
          method: 'minmax',
          effort: 'fast' as const,
          limit: 4,
          output,
        };
        await quantize({ ...job, ...more });
        files.push(`${opened === 'basic' ? opened : 'all'}:${output}`);
      }
    const read = PYTHON ? await python<Read[]>('open_models.py', files) : [];

    it.each(FLAVOURS.map((flavour, i) => [...flavour, i] as const))('%s %s %j', (_, __, ___, opened, i) => {
      // Operators of other domains have no schema in onnx: the checker passes over them.
      expect(read[i].checker).toBe('ok');
      if (opened instanceof RegExp) expect(read[i].opened).toMatch(opened);
      else expect(read[i].opened).toBe('ok');
    });
  },
);
