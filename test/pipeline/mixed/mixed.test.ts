import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobOptions } from '../../../src/pipeline/options.js';
import { stepsFor } from '../../../src/pipeline/steps/index.js';
import { apply, quantize, type Result, report, sensitivity } from '../../../src/pipeline.js';
import { encodePlan } from '../../../src/plan/file.js';
import { frontCsv, frontSvg } from '../../../src/report/index.js';
import { openSession } from '../../../src/runtime/index.js';

const FIXTURES = join(import.meta.dirname, '../../../fixtures');
let folder: string;
let result: Result;
const job = (options: Partial<JobOptions>): JobOptions => ({
  model: join(FIXTURES, 'shapes.onnx'),
  target: 'ane',
  scheme: 'mixed',
  method: 'minmax',
  effort: 'fast',
  evaluation: [join(FIXTURES, 'shapes.evaluation')],
  limit: 4,
  budget: { of: 'size', value: 0.2, share: true },
  output: join(folder, 'out.onnx'),
  ...options,
});
const floatBytes = readFileSync(join(FIXTURES, 'shapes.onnx')).length;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mixed-'));
  result = await quantize(job({ front: ['front.csv'] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a mixed scheme', () => {
  it('stays within its budget, with more than one format, each with its reason', async () => {
    const bytes = readFileSync(join(folder, 'out.onnx'));
    expect(bytes.length).toBeLessThanOrEqual(0.2 * floatBytes);
    const formats = new Set(result.plan.weights.map((w) => w.format));
    expect(formats.size).toBeGreaterThan(1);
    for (const w of result.plan.weights) expect(w.reason).toContain(`${w.format} by the budget`);
    await (await openSession(bytes)).release();
  });

  it('has a front on which more costs more and keeps more, and no format throughout beats it', () => {
    const { points } = result.report.front!;
    const mixed = points.filter((p) => p.kind === 'mixed');
    expect(mixed.filter((p) => p.chosen)).toHaveLength(1);
    expect(mixed.map((p) => p.cost)).toEqual(mixed.map((p) => p.cost).sort((a, b) => a - b));
    for (const one of points.filter((p) => p.kind === 'uniform')) {
      const beside = points.filter((p) => p.cost <= one.cost && p.predictedDb !== null);
      // The search is exact on the additive model, so the model never prefers one format throughout.
      expect(Math.max(...beside.map((p) => p.predictedDb!))).toBeGreaterThanOrEqual(one.predictedDb! - 1e-9);
    }
  });

  it('tells in the report what each layer costs in each format', () => {
    const { sensitivity: rows = [], front } = result.report;
    expect(rows).toHaveLength(result.plan.weights.length);
    for (const { candidates } of rows) {
      expect(candidates.map((c) => c.candidate)).toEqual(['int4', 'int8', 'int16']);
      const [int4, int8] = candidates.map((c) => c.localDb!);
      expect(int8).toBeGreaterThan(int4);
    }
    expect(frontCsv(front!).split('\n')[0]).toMatch(/^kind,name,bytes,share_of_float,predicted_db/);
  });

  it('draws the front', async () =>
    expect(await frontSvg(result.report.front!)).toMatch(/^<svg .*<\/svg>$/s));

  it('has a plan that applies like any other: the same bytes', async () => {
    const file = join(folder, 'plan.json');
    writeFileSync(file, encodePlan(result.plan));
    const again = job({ output: join(folder, 'again.onnx') });
    await apply(file, again);
    expect(readFileSync(join(folder, 'again.onnx')).equals(readFileSync(join(folder, 'out.onnx')))).toBe(
      true,
    );
  });

  it.each([
    ['no budget', { budget: undefined }, 'BUDGET_MISSING', /--budget size=40%/],
    [
      'a budget below all',
      { budget: { of: 'size', value: 1000, share: false } },
      'BUDGET_INFEASIBLE',
      /the smallest is [\d.,]+ bytes/,
    ],
    [
      'speed where it is only measured',
      { target: 'cpu', budget: { of: 'latency', value: 1, share: false } },
      'BUDGET_UNMODELLED',
      /budget of size/,
    ],
    ['a format that does not exist', { candidates: ['int5'] }, 'UNKNOWN_SCHEME', /quantize schemes/],
    ['a format of a later opset', { candidates: ['int2', 'int8'] }, 'CANDIDATE_OPSET', /opset 21/],
  ] as [string, Partial<JobOptions>, string, RegExp][])('refuses %s', async (_, options, code, hint) => {
    await expect(quantize(job(options))).rejects.toMatchObject({ code, hint: expect.stringMatching(hint) });
  });

  it('budgets of time go by the model of the chip', async () => {
    const within = (value: number) => quantize(job({ budget: { of: 'latency', value, share: true } }));
    const { report, diagnostics } = await within(0.99);
    expect(report.quantized.latencyMs.value).toBeLessThanOrEqual(0.99 * report.float.latencyMs.value);
    const unspent = expect.objectContaining({ code: 'BUDGET_UNSPENT' });
    expect(diagnostics).not.toContainEqual(unspent);
    // Twice what the float model takes: no format uses that up, and 16 bits leave the error to the activations.
    expect((await within(2)).diagnostics).toContainEqual(unspent);
  });

  it('without a budget: the smallest that passes the gate', async () => {
    const { report } = await quantize(job({ budget: undefined, minSqnr: 12 }));
    expect(report.metrics!.outputs[0].sqnrDb).toBeGreaterThanOrEqual(12);
    expect(report.size.quantizedBytes).toBeLessThan(0.3 * floatBytes);
  });

  it('is nothing that a report without samples could know', async () => {
    await expect(report(job({}))).rejects.toMatchObject({
      code: 'MIXED_WITHOUT_DATA',
      hint: expect.stringContaining('--budget'),
    });
  });

  it('is a step of mixed schemes only', () => {
    const taken = (scheme: string) =>
      stepsFor({ effort: 'fast', method: 'mse', scheme }).first.map((s) => s.id);
    expect(taken('mixed-float')).toEqual(['mixed']);
    expect(taken('int8-perchannel')).toEqual([]);
  });
});

it('sensitivity ranks layers and says how the error spreads', async () => {
  const found = await sensitivity(
    job({ scheme: 'int8-perchannel', budget: undefined, evaluation: undefined }),
  );
  expect(found).toMatchObject({ own: 'int8', samples: 4, candidates: ['int4', 'int8', 'int16'] });
  for (const { candidates } of found.layers) {
    const [int4, int8, int16] = candidates;
    expect(int8.global.noise).toBeLessThan(int4.global.noise);
    expect(int16.global).toMatchObject({ estimated: true });
    expect(int4.entropyBits).toBeLessThanOrEqual(4);
    expect(int8.accumulatedDb).toBeGreaterThan(int4.accumulatedDb!);
  }
  for (const p of found.propagation) expect(p.mutualBits).toBeLessThanOrEqual(p.entropyBits + 1e-9);
  // Adding up what single changes cost foresees what all of them do, to a few decibels.
  const whole = await quantize(job({ scheme: 'int8-perchannel', budget: undefined, evaluation: undefined }));
  expect(Math.abs(found.predictedDb! - whole.report.metrics!.outputs[0].sqnrDb!)).toBeLessThan(3);
});
