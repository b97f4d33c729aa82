import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { forecastJobs } from '../../src/batch/forecast.js';
import { Inputs } from '../../src/batch/inputs.js';
import { Store } from '../../src/batch/store.js';
import type { BatchJob, JobResult } from '../../src/batch/types.js';
import { ROOT } from '../cli/run.js';

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('says of each job what is there, what it took before, what a model says, or why it cannot be done', async () => {
  const cache = join(folder, 'cache');
  const model = join(folder, 'shapes.onnx');
  copyFileSync(join(ROOT, 'fixtures/shapes.onnx'), model);
  writeFileSync(join(folder, 'broken.onnx'), 'no model');
  const job = (id: string, more: object = {}): BatchJob => ({
    id,
    options: {
      model,
      target: 'ane',
      scheme: 'int8-perchannel',
      method: 'mse',
      limit: 8,
      output: '',
      ...more,
    },
  });
  const jobs = [
    job('there', { output: join(folder, 'there.onnx') }),
    job('measured'),
    job('fast', { effort: 'fast' }),
    job('balanced'),
    job('broken', { model: join(folder, 'broken.onnx') }),
  ];
  const store = new Store(cache);
  const inputs = new Inputs('1');
  const result = (id: string, seconds: number, output?: string): JobResult => {
    const same = { model, target: 'ane', scheme: 'int8-perchannel', status: 'done' as const };
    return { id, ...same, seconds, output };
  };
  writeFileSync(join(folder, 'there.onnx'), 'made');
  await store.keep(await inputs.key(jobs[0].options), result('there', 3, join(folder, 'there.onnx')));
  await store.keep('made from other inputs', result('measured', 7));

  const rows = await forecastJobs(jobs, { cache, version: '1', threads: 1 });
  expect(rows.map(({ basis }) => basis)).toEqual([
    'unchanged',
    'measured',
    'modelled',
    'modelled',
    'refused',
  ]);
  expect(rows.map(({ seconds }) => seconds).slice(0, 2)).toEqual([0, 7]);
  const [fast, balanced] = rows.slice(2);
  expect(balanced.seconds).toBeGreaterThan(fast.seconds!);
  // 8-bit weights, and what says how to read them.
  expect(fast.bytes).toBeGreaterThan(70_000);
  expect(fast.bytes).toBeLessThan(110_000);
  expect(rows[4].why).toMatch(/^[A-Z_]+: /);
});
