import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { saveModel } from '../../src/onnx/index.js';
import { activationsOn, parseScheme, SCHEMES } from '../../src/plan/index.js';
import type { Encoding } from '../../src/plan/types.js';
import { everyWeight, target, written } from '../emit/written.js';
import { PYTHON, python, WITHOUT } from './python.js';

const work = mkdtempSync(join(tmpdir(), 'quantize-schemes-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Checked {
  verdict: string;
  opset: number;
  types: string[];
}

const weightOnly = SCHEMES.map((s) => s.id).filter((id) => activationsOn(parseScheme(id), target) === 'none');

/** What ONNX has types for, in those types. */
const TYPES: Record<string, string[]> = {
  nvfp4: ['FLOAT4E2M1', 'FLOAT8E4M3FN'],
  mxfp4: ['FLOAT4E2M1', 'FLOAT8E8M0'],
  mxfp8: ['FLOAT8E4M3FN', 'FLOAT8E8M0'],
  mxint8: ['INT8', 'FLOAT8E8M0'],
  'int2-block32': ['INT2'],
  'int4-block32': ['INT4'],
  'fp8fnuz-perchannel': ['FLOAT8E4M3FNUZ'],
  bf16: ['BFLOAT16'],
};

describe.skipIf(!PYTHON)(`onnx takes every weight-only scheme${PYTHON ? '' : ` (${WITHOUT})`}`, () => {
  it.each<Encoding>(['exec', 'spec'])('%s', async (encoding) => {
    const folder = join(work, encoding);
    mkdirSync(folder);
    for (const name of weightOnly)
      await saveModel((await written(everyWeight(), name, { encoding })).model, join(folder, `${name}.onnx`));
    const checked = await python<Checked[]>(
      'check_models.py',
      weightOnly.map((name) => join(folder, `${name}.onnx`)),
    );
    for (const [i, name] of weightOnly.entries()) {
      expect({ name, verdict: checked[i].verdict }).toEqual({ name, verdict: 'ok' });
      if (encoding === 'spec') expect(checked[i].types).toEqual(expect.arrayContaining(TYPES[name] ?? []));
    }
  });
});
