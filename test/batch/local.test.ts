import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BatchEvent, BatchResult } from '../../src/batch/types.js';
import { BIN, quantize, ROOT } from '../cli/run.js';

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FIXTURE = join(ROOT, 'fixtures/shapes.onnx');
const SAMPLES = join(ROOT, 'fixtures/shapes.calibration');
const JOBS = `
models:
  - {model: one.onnx}
  - {model: two.onnx, method: minmax}
targets: [ane, tpu]
defaults: {calibration: ${SAMPLES}, evaluation: ${SAMPLES}, limit: 24, effort: fast}
output: out
`;
const OUTPUTS = ['one.ane', 'one.tpu', 'two.ane', 'two.tpu'].map((name) => `${name}.int8-perchannel.onnx`);

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of ['one.onnx', 'two.onnx']) copyFileSync(FIXTURE, join(folder, name));
  writeFileSync(join(folder, 'jobs.yaml'), JOBS);
});

const batch = (...args: string[]) =>
  quantize(['batch', join(folder, 'jobs.yaml'), '--threads', '2', ...args]);
const parsed = async (...args: string[]): Promise<BatchResult> =>
  JSON.parse((await batch('-f', 'json', '-q', ...args)).stdout);
const statuses = (result: BatchResult) => result.jobs.map((job) => `${job.id.slice(0, 7)} ${job.status}`);
const sums = () =>
  OUTPUTS.map((name) =>
    createHash('sha256')
      .update(readFileSync(join(folder, 'out', name)))
      .digest('hex'),
  );

describe('quantize batch', () => {
  it('gives byte for byte what the jobs give one by one, and does a second time only what changed', async () => {
    expect(statuses(await parsed())).toEqual([
      'one ane done',
      'one tpu done',
      'two ane done',
      'two tpu done',
    ]);
    const made = sums();
    const alone = join(folder, 'alone.onnx');
    const options = [
      '-c',
      SAMPLES,
      '-e',
      SAMPLES,
      '--limit',
      '24',
      '--effort',
      'fast',
      '-t',
      'ane',
      '-o',
      alone,
      '-q',
    ];
    await quantize([join(folder, 'one.onnx'), ...options]);
    expect(createHash('sha256').update(readFileSync(alone)).digest('hex')).toBe(made[0]);

    const again = await parsed();
    expect(again.counts).toEqual({ done: 0, unchanged: 4, failed: 0 });
    expect(again.jobs[0].report?.metrics?.samples).toBe(24);

    rmSync(join(folder, 'out', OUTPUTS[0]));
    writeFileSync(join(folder, 'out', OUTPUTS[1]), 'damaged');
    writeFileSync(join(folder, 'jobs.yaml'), JOBS.replace('method: minmax', 'method: entropy'));
    expect(statuses(await parsed())).toEqual([
      'one ane done',
      'one tpu done',
      'two ane done',
      'two tpu done',
    ]);
    expect(sums().slice(0, 2)).toEqual(made.slice(0, 2));
  });

  it('takes damaged entries of its cache for none', async () => {
    await parsed();
    const entries = join(folder, 'out/.quantize/jobs');
    const [first, second] = readdirSync(entries);
    writeFileSync(join(entries, first), '{"schema":');
    writeFileSync(join(entries, second), JSON.stringify({ schema: 'onnx-quantize/batch-entry@0' }));
    for (const name of readdirSync(join(folder, 'out/.quantize/statistics')))
      writeFileSync(join(folder, 'out/.quantize/statistics', name), 'damaged');
    expect((await parsed()).counts).toEqual({ done: 2, unchanged: 2, failed: 0 });
  });

  it('goes on after a job that fails, and says so by its exit code, JUnit XML and events', async () => {
    writeFileSync(join(folder, 'two.onnx'), 'no model');
    const junit = join(folder, 'junit.xml');
    const { code, stdout, stderr } = await batch('--events', '--junit', junit);
    expect(code).toBe(3);
    expect(stderr).toContain('error BATCH_FAILED: 2 of 4 jobs failed');
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as BatchEvent);
    expect(events[0]).toMatchObject({ event: 'start', jobs: 4, processes: 2 });
    expect(events.at(-1)).toMatchObject({ event: 'end', counts: { done: 2, unchanged: 0, failed: 2 } });
    expect(events.filter((event) => event.event === 'job')).toHaveLength(4);
    const stages = events.filter((event) => event.event === 'stage');
    expect(Math.max(...stages.map(({ memory }) => memory ?? 0))).toBeGreaterThan(2 ** 26);
    const xml = readFileSync(junit, 'utf8');
    expect(xml).toContain('tests="4" failures="0" errors="2"');
    expect(xml.match(/<testcase name="two (ane|tpu) int8-perchannel"[^>]*><error type="\w+"/g)).toHaveLength(
      2,
    );
    expect(existsSync(join(folder, 'out', OUTPUTS[2]))).toBe(false);
  });

  it('fails by a gate with exit code 5', async () => {
    writeFileSync(join(folder, 'jobs.yaml'), JOBS.replace('limit: 24', 'limit: 24, min-sqnr: 90'));
    const { code, stdout } = await batch('-f', 'markdown', '-q');
    expect(code).toBe(5);
    expect(stdout).toMatch(/## What failed\n[\s\S]*GATE/);
    expect(readdirSync(join(folder, 'out')).filter((name) => name.endsWith('.onnx'))).toEqual([]);
  });

  it('compares with a baseline', async () => {
    const result = await parsed();
    for (const job of result.jobs) job.report!.size.quantizedBytes /= job.id.startsWith('one') ? 1.2 : 1;
    const baseline = join(folder, 'baseline.json');
    writeFileSync(baseline, JSON.stringify(result));
    const { code, stdout } = await batch(
      '--baseline',
      baseline,
      '--max-regression',
      'size=10%',
      '-f',
      'json',
      '-q',
    );
    expect(code).toBe(5);
    expect(JSON.parse(stdout).regressions.map((r: { job: string }) => r.job)).toEqual([
      'one ane int8-perchannel',
      'one tpu int8-perchannel',
    ]);
    expect((await batch('--baseline', baseline, '--max-regression', 'size=30', '-q')).code).toBe(0);
  });

  it.each([
    ['--max-regression', 'drop=1'],
    ['--max-regression', 'speed=1'],
    ['--baseline', 'none.json'],
  ])('refuses %s %s', async (...args) => {
    const { code, stderr } = await batch(...args);
    expect([2, 3]).toContain(code);
    expect(stderr).toMatch(/error (NO_BASELINE|OPTION_VALUE|BASELINE_UNREADABLE)/);
  });
});

/** Starts a batch and kills what `choose` picks among its processes when the `nth` event comes. */
async function killedAt(nth: number, choose: (parent: number) => number): Promise<number | null> {
  const args = [BIN, 'batch', join(folder, 'jobs.yaml'), '--events', '--threads', '2'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const before = seen;
    seen += text.split('\n').length - 1;
    if (before < nth && seen >= nth) process.kill(choose(child.pid!), 'SIGKILL');
  });
  return new Promise((resolve) => child.on('close', resolve));
}

const childOf = (parent: number): number =>
  Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0]);

describe.runIf(process.platform === 'linux')('a batch whose processes are killed', () => {
  it.each([2, 14])('finishes when a worker dies at event %i', async (nth) => {
    expect(await killedAt(nth, childOf)).toBe(0);
    expect((await parsed()).counts).toEqual({ done: 0, unchanged: 4, failed: 0 });
  });

  it.each([2, 20])('goes on where it was when it dies at event %i, to the same bytes', async (nth) => {
    await killedAt(nth, (parent) => parent);
    const { counts } = await parsed();
    expect(counts.done + counts.unchanged).toBe(4);
    const made = sums();
    rmSync(join(folder, 'out'), { recursive: true });
    await parsed();
    expect(sums()).toEqual(made);
  });
});
