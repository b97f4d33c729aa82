import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { int64Tensor } from '../../src/ir/tensor.js';
import { saveModel } from '../../src/onnx/index.js';
import type { JobOptions } from '../../src/pipeline/options.js';
import { quantize } from '../../src/pipeline.js';
import { model, random, value } from '../prepare/helpers.js';

const FIXTURES = join(import.meta.dirname, '../../fixtures');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'checks-'));
  copyFileSync(join(FIXTURES, 'shapes.onnx'), join(folder, 'alone.onnx'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A job of a model with no samples beside it. */
const job = (options: Partial<JobOptions>): JobOptions => ({
  model: join(folder, 'alone.onnx'),
  target: 'ane',
  scheme: 'int8-perchannel',
  method: 'mse',
  effort: 'fast',
  output: join(folder, 'out.onnx'),
  limit: 8,
  ...options,
});

describe('before any work', () => {
  it.each([
    ['labels of no samples', { labels: 'labels.txt' }, 'LABELS_WITHOUT_SAMPLES'],
    [
      'a file of labels that is not there',
      { evaluation: [join(FIXTURES, 'shapes.evaluation')], labels: 'nowhere' },
      'LABELS_FORMAT',
    ],
    ['a climb without a gate', { auto: true }, 'AUTO_WITHOUT_GATE'],
    ['a mixture without a budget', { scheme: 'mixed' }, 'BUDGET_MISSING'],
    ['a gate of accuracy without samples', { maxAccuracyDrop: 1 }, 'ACCURACY_GATE'],
  ])('%s is refused', async (_name, options, code) => {
    const stages: string[] = [];
    const onProgress = ({ stage }: { stage: string }) => stages.push(stage);
    await expect(quantize(job({ ...options, onProgress }))).rejects.toMatchObject({ code });
    expect(stages).toEqual([]);
  });

  it('a model that is not there is what counts', async () => {
    const missing = job({ model: join(folder, 'none.onnx'), maxAccuracyDrop: 1 });
    await expect(quantize(missing)).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' });
  });
});

it('made-up inputs that a model cannot take are told as such, whatever the scheme needs of them', async () => {
  const nodes = [makeNode('Reshape', ['x', 'size'], ['r']), makeNode('MatMul', ['r', 'w'], ['y'])];
  const net = model({
    nodes,
    inputs: [value('x', ['n', 'length'])],
    outputs: [value('y', [5, 4])],
    initializers: [int64Tensor('size', [2], [5, 4]), random('w', [4, 4])],
  });
  const file = join(folder, 'open.onnx');
  await saveModel(net, file);
  const weightsOnly = { model: file, scheme: 'int8-float-perchannel' };
  await expect(quantize(job(weightsOnly))).rejects.toMatchObject({
    code: 'SAMPLE_RUN',
    hint: expect.stringContaining('--dim'),
  });
  await expect(quantize(job({ ...weightsOnly, dims: { length: 20 } }))).resolves.toBeDefined();
});

describe('what a comparison is worth', () => {
  const samples = (name: string) => [join(FIXTURES, `shapes.${name}`)];

  it.each([
    ['evaluation', 'calibration', 'evaluation'],
    ['calibration', 'calibration', 'calibration'],
  ] as const)('on %s samples behind %s ones: %s', async (evaluation, calibration, evidence) => {
    const options = { calibration: samples(calibration), evaluation: samples(evaluation) };
    expect((await quantize(job(options))).report.metrics!.evidence).toBe(evidence);
  });
});

describe('a package of another chip than the plan is for', () => {
  it.each([
    ['cpu', true],
    ['tpu', true],
    ['a18-ane', false],
  ])('%s', async (target, told) => {
    const output = join(folder, `${target}.mlpackage`);
    const { diagnostics } = await quantize(job({ target, output, scheme: 'int8-float-perchannel' }));
    expect(diagnostics.some((d) => d.code === 'PACKAGE_OTHER_CHIP')).toBe(told);
  });
});
