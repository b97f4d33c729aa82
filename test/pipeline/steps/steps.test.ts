import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobOptions } from '../../../src/pipeline/options.js';
import { STEPS, type Step, stepsFor } from '../../../src/pipeline/steps/index.js';
import { takeStep } from '../../../src/pipeline/steps/take.js';
import type { Trial } from '../../../src/pipeline/trial.js';
import { quantize } from '../../../src/pipeline.js';
import { lossSection } from '../../../src/report/html/sections.js';
import { reportMarkdown, stepText } from '../../../src/report/index.js';

const FIXTURES = join(import.meta.dirname, '../../../fixtures');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'steps-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const job = (options: Partial<JobOptions>): JobOptions => ({
  model: join(FIXTURES, 'shapes.onnx'),
  target: 'ane',
  scheme: 'int8-perchannel',
  method: 'mse',
  evaluation: [join(FIXTURES, 'shapes.evaluation')],
  limit: 8,
  output: join(folder, 'out.onnx'),
  ...options,
});

/** Away from the labelled samples that lie beside the fixture. */
const copyOfShapes = (): string => {
  const model = join(folder, 'shapes.onnx');
  copyFileSync(join(FIXTURES, 'shapes.onnx'), model);
  cpSync(join(FIXTURES, 'shapes.calibration'), join(folder, 'shapes.calibration'), { recursive: true });
  return model;
};

const ids = (steps: readonly Step[]) => steps.map((step) => step.id);

describe('which steps are taken', () => {
  it.each([
    ['fast', 'mse', []],
    ['fast', 'auto', ['ranges']],
    [
      'balanced',
      'mse',
      ['absorb', 'equalize', 'even-gates', 'gates', 'gain', 'rounding', 'awq', 'hqq', 'bias'],
    ],
    [
      'max',
      'mse',
      [
        ...[
          'absorb',
          'equalize',
          'even-gates',
          'gates',
          'gain',
          'ranges',
          'rounding',
          'rounding-apart',
          'awq',
          'hqq',
          'bias',
          'bias-in-turn',
        ],
        'blocks',
      ],
    ],
  ] as const)('--effort %s --method %s', (effort, method, first) => {
    const steps = stepsFor({ effort, method });
    expect(ids(steps.first)).toEqual(first);
    expect(new Set(ids([...steps.first, ...steps.climb]))).toEqual(new Set(ids(STEPS)));
    expect(ids(steps.climb)).toContain('float');
  });
});

describe('a step', () => {
  const draft = { job: { options: {} } } as never;
  const next = { job: { options: {} } } as never;
  const step = (found: unknown): Step => ({
    ...{ id: 'x', description: 'x', effort: 'fast' },
    attempt: async () => found as never,
  });
  const judge = (before: number, after: number) =>
    ({ score: async (d: unknown) => (d === next ? after : before) }) as unknown as Trial;
  it.each([
    ['is kept when the worst output gains', 20, 21, true],
    ['is not kept when nothing changes', 20, 20, false],
    ['is not kept when it loses', 20, 19, false],
  ])('%s', async (_, before, after, kept) => {
    const taken = await takeStep(draft, step(next), judge(before, after));
    expect(taken.draft === next).toBe(kept);
    expect(taken.rung).toMatchObject({ step: 'x', beforeDb: before, afterDb: after, kept });
  });
  it('must bring what it costs on the chip', async () => {
    const dear = { ...step(next), worthDb: 1 };
    expect((await takeStep(draft, dear, judge(20, 20.9))).rung!.kept).toBe(false);
    expect((await takeStep(draft, dear, judge(20, 21.1))).rung!.kept).toBe(true);
  });
  it.each([
    [14.9, true],
    [15, false],
  ])('is for drafts below its decibels alone: %d', async (before, tried) => {
    const rescue = { ...step(next), below: 15 };
    expect((await takeStep(draft, rescue, judge(before, 30))).rung !== undefined).toBe(tried);
  });
  it('is kept whatever the trial says where it cannot but help', async () => {
    const { rung } = await takeStep(draft, { ...step(next), certain: true }, judge(20, 19));
    expect(rung!.kept).toBe(true);
  });
  it('must gain, but for those that spend a budget or give up on integers', () => {
    expect(ids(STEPS.filter((s) => s.certain))).toEqual(['mixed', 'float', 'more-bits']);
    for (const { id, worthDb = 0 } of STEPS) expect(worthDb, id).toBeGreaterThanOrEqual(0);
  });
  it('leaves no rung where there is nothing to do', async () => {
    expect(await takeStep(draft, step(undefined), judge(1, 2))).toEqual({ draft });
  });
});

describe('a run', () => {
  it('says what each step brought', async () => {
    const { report } = await quantize(job({ effort: 'max' }));
    // Nothing for `gain` to do; corrected biases come with `rounding`.
    expect(report.improvements!.map((i) => i.step)).toEqual([
      'equalize',
      'ranges',
      'rounding',
      'bias-in-turn',
    ]);
    for (const { step: id, beforeDb, afterDb, kept } of report.improvements!)
      expect(kept, id).toBe(afterDb! > beforeDb!);
  });

  it.each([
    ['with the rounding by outputs alone, which makes up for loud inputs itself', {}, false],
    ['by AWQ where that is not there', { rounding: 'stochastic' }, true],
  ] as const)('rounds weights alone %s', async (_, options, scaled) => {
    const { report } = await quantize(
      job({ scheme: 'int4-float-perchannel', effort: 'balanced', ...options }),
    );
    const steps = report.improvements?.map((i) => i.step) ?? [];
    expect(steps).not.toContain('equalize');
    expect(steps.includes('awq')).toBe(scaled);
  });

  it('climbs with --auto until the gate passes, and names the layers that stay float', async () => {
    const plain = (await quantize(job({}))).report.metrics!.outputs[0].sqnrDb!;
    const { report, failedGate } = await quantize(job({ auto: true, minSqnr: plain + 2 }));
    expect(failedGate).toBeUndefined();
    expect(report.metrics!.outputs[0].sqnrDb).toBeGreaterThanOrEqual(plain + 2);
    const last = report.improvements!.at(-1)!;
    expect(last).toMatchObject({ step: 'float', kept: true });
    const float = report.leftInFloat.filter((f) => /costs more than/.test(f.reason)).map((f) => f.node);
    expect(new Set(float)).toEqual(new Set(last.changed));
    expect(stepText(last)).toBe(`${last.description}: ${last.changed!.join(', ')}`);
    expect(report.losses).toBeUndefined();
  });

  it('climbs in vain, without the dear steps where too much is missing', async () => {
    const { failedGate, diagnostics, report } = await quantize(job({ auto: true, minSqnr: 200, keep: true }));
    expect(failedGate).toMatchObject({
      code: 'SQNR_GATE',
      hint: expect.stringMatching(/most is lost in (activation|weight) ".+ dB alone/),
    });
    const told = diagnostics.find(({ code }) => code === 'STEPS_LEFT_OUT')!;
    expect(told.message).toMatch(/dB are missing, more than ranges, .*blocks bring/);
    expect(report.improvements!.map(({ step }) => step)).not.toContain('ranges');
  });

  it('has nothing to climb to without a gate', async () => {
    const hint = expect.stringMatching(/add --max-accuracy-drop/);
    await expect(quantize(job({ auto: true }))).rejects.toMatchObject({ code: 'AUTO_WITHOUT_GATE', hint });
  });

  it('names what costs the outputs most where they are poor, in every form of the report', async () => {
    const unlabelled = { evaluation: undefined, model: copyOfShapes() };
    const { report } = await quantize(job({ ...unlabelled, scheme: 'int4-a8-perlayer', effort: 'fast' }));
    const [{ outputDb, share, tensor }, second] = report.losses!;
    expect(outputDb).toBeLessThanOrEqual(second.outputDb!);
    expect(share).toBeGreaterThan(second.share);
    expect(report.losses!.reduce((sum, l) => sum + l.share, 0)).toBeLessThanOrEqual(1 + 1e-9);
    expect(reportMarkdown(report)).toContain(tensor);
    expect(lossSection(report)!.text).toContain(tensor);
  });
});
