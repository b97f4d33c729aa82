import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/types.js';
import { dumpSamples } from './dump.js';
import { type Job, runJob } from './job.js';
import { ZOO } from './samples.js';
import { MODELS, modelFile, type ZooModel } from './zoo.js';

/** What the Python tool reached with the same method on the same samples (interop/reference.test.ts measured it). */
interface Reference {
  status: string;
  quantized_tensors?: number;
  sqnr?: Record<string, number>;
}
const reference: { models: Record<string, Record<string, Reference>> } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'reference.json'), 'utf8'),
);

/** dB that we may stay below the Python tool. */
const SLACK = 1;
/** Points of top-1 accuracy that a model may lose: the goals of the first release. The table shows the others. */
const MAX_DROP: [ids: RegExp, points: number][] = [
  [/mobilenetv2/, 1],
  [/squeezenet|cifar10|mnist/, 0.5],
];

/** Writes the model's samples as files and gives the options that name them. */
async function sampleOptions(model: ZooModel, folder: string): Promise<string[]> {
  for (const set of ['calibration', 'evaluation'] as const)
    await dumpSamples(model.samples(set), join(folder, set));
  const labels = join(folder, 'evaluation.labels.txt');
  return [
    ...['--calibration', join(folder, 'calibration'), '--evaluation', join(folder, 'evaluation')],
    ...(existsSync(labels) ? ['--labels', labels] : []),
  ];
}

/**
 * As a user runs it where labels tell what it costs; else without the steps that try to lose less, which take minutes
 * on the large ones. The Python tool has no such steps either.
 */
const effortFor = (method: string, options: readonly string[]): string =>
  method === 'mse' && options.includes('--labels') ? 'balanced' : 'fast';

/** The main job, once with each method; the sample files are gone afterwards. */
async function mainJobs(model: ZooModel, methods: readonly string[]): Promise<Job[]> {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-zoo-'));
  try {
    const options = ['--scheme', 'int8-perchannel', ...(await sampleOptions(model, folder))];
    const jobs: Job[] = [];
    for (const method of methods) {
      const settings = ['--method', method, '--effort', effortFor(method, options)];
      jobs.push(await runJob([modelFile(model), ...settings, ...options, '-o', join(folder, 'out.onnx')]));
    }
    return jobs;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const rows: string[][] = [];
const decibels = (value: number | undefined) => (value === undefined ? '' : value.toFixed(1));

/** Per output: ours, the tool's, and how far below it we are; nothing where the tool failed or changed nothing. */
function against(
  report: Report,
  id: string,
  setting: string,
): { output: string; ours: number; theirs: number }[] {
  const measured = reference.models[id]?.[setting];
  if (measured?.status !== 'ok' || measured.quantized_tensors === 0) return [];
  return (report.metrics?.outputs ?? []).map(({ output, sqnrDb }) => ({
    output,
    ours: sqnrDb ?? 200,
    theirs: measured.sqnr?.[output] ?? Number.NEGATIVE_INFINITY,
  }));
}

function remember(model: ZooModel, method: string, job: Job, theirs: number | undefined): void {
  const { metrics, coverage } = job.report ?? {};
  const lowest = metrics?.outputs.reduce((low, o) => Math.min(low, o.sqnrDb ?? 200), 200);
  const top1 = metrics?.top1;
  rows.push([
    model.id.padEnd(40),
    method.padEnd(10),
    job.code === 0 ? 'ok' : (job.stderr.match(/error (\w+)/)?.[1] ?? `exit ${job.code}`),
    decibels(lowest).padStart(6),
    decibels(theirs).padStart(6),
    top1 ? `${(100 * top1.float).toFixed(1)} → ${(100 * top1.quantized).toFixed(1)} %` : '',
    coverage ? `${Math.round(100 * coverage.macs)} % of MACs` : '',
  ]);
}

afterAll(() => {
  if (!ZOO) return;
  const head =
    'model, method, result, lowest SQNR of an output in dB, the Python tool’s, top-1, computed in integers';
  process.stdout.write(`\n${[head, ...rows.map((row) => row.join('  '))].join('\n')}\n`);
});

const WHY = ZOO ? '' : ' (QUANTIZE_ZOO is not set)';

describe.skipIf(!ZOO)(`the main job on every shared model${WHY}`, () => {
  it.each(MODELS.filter((m) => m.metric !== 'refused'))('$id', async (model) => {
    const [same, own] = await mainJobs(model, ['minmax', 'mse']);
    const compared = same.report ? against(same.report, model.id, 'MinMax/S8S8') : [];
    remember(model, 'minmax', same, compared.length ? Math.min(...compared.map((c) => c.theirs)) : undefined);
    remember(model, 'mse', own, undefined);
    expect(same.stderr, 'nothing on stderr but warnings').not.toMatch(/^error/m);
    expect([same.code, own.code]).toEqual([0, 0]);
    for (const { output, ours, theirs } of compared)
      expect(ours, `SQNR of ${output} in dB, the Python tool has ${theirs}`).toBeGreaterThanOrEqual(
        theirs - SLACK,
      );
    const allowed = MAX_DROP.find(([ids]) => ids.test(model.id))?.[1] ?? Number.POSITIVE_INFINITY;
    expect(own.report?.metrics?.top1?.drop ?? 0, 'points of top-1 lost').toBeLessThanOrEqual(allowed);
  });

  it.each(MODELS.filter((m) => m.metric === 'refused'))('$id is refused by name', async (model) => {
    const [job] = await mainJobs(model, ['minmax']);
    remember(model, 'minmax', job, undefined);
    expect(job.code).toBe(4);
    expect(job.stderr).toMatch(/already quantized/i);
  });
});
