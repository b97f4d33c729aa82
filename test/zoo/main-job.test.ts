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
/** Networks that lose at most half a point of top-1 accuracy as the command comes. The table shows the others. */
const EASY = /squeezenet|cifar10|mnist/;
const EASY_DROP = 0.5;

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

interface Setting {
  method: string;
  effort: string;
}
/** The Python tool has none of the steps that try to lose less, so beside it ours goes without them. */
const SAME_AS_THE_TOOL: Setting = { method: 'minmax', effort: 'fast' };
/** As a user runs it. (imagenet.test.ts does so with mobilenetv2, from photographs and for each target.) */
const AS_IT_COMES: Setting = { method: 'mse', effort: 'balanced' };

const settingsFor = (model: ZooModel): Setting[] =>
  EASY.test(model.id) ? [SAME_AS_THE_TOOL, AS_IT_COMES] : [SAME_AS_THE_TOOL];

/** The main job, once with each setting; the sample files are gone afterwards. */
async function mainJobs(model: ZooModel, settings: readonly Setting[]): Promise<Job[]> {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-zoo-'));
  try {
    const options = ['--scheme', 'int8-perchannel', ...(await sampleOptions(model, folder))];
    const jobs: Job[] = [];
    for (const { method, effort } of settings) {
      const how = ['--method', method, '--effort', effort];
      jobs.push(await runJob([modelFile(model), ...how, ...options, '-o', join(folder, 'out.onnx')]));
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
    const settings = settingsFor(model);
    const jobs = await mainJobs(model, settings);
    const [same] = jobs;
    const compared = same.report ? against(same.report, model.id, 'MinMax/S8S8') : [];
    const theirs = compared.length ? Math.min(...compared.map((c) => c.theirs)) : undefined;
    jobs.forEach((job, k) => {
      remember(model, settings[k].method, job, k === 0 ? theirs : undefined);
      expect(job.stderr, 'nothing on stderr but warnings').not.toMatch(/^error/m);
      expect(job.code).toBe(0);
    });
    for (const { output, ours, theirs } of compared)
      expect(ours, `SQNR of ${output} in dB, the Python tool has ${theirs}`).toBeGreaterThanOrEqual(
        theirs - SLACK,
      );
    if (EASY.test(model.id))
      expect(jobs.at(-1)!.report!.metrics!.top1!.drop, 'points of top-1 lost').toBeLessThanOrEqual(EASY_DROP);
  });

  it.each(MODELS.filter((m) => m.metric === 'refused'))('$id is refused by name', async (model) => {
    const [job] = await mainJobs(model, [SAME_AS_THE_TOOL]);
    remember(model, 'minmax', job, undefined);
    expect(job.code).toBe(4);
    expect(job.stderr).toMatch(/already quantized/i);
  });
});
