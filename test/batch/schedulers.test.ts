import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BIN, ROOT } from '../cli/run.js';

const page = readFileSync(join(ROOT, 'docs/schedulers.md'), 'utf8');
const block = (name: string): string => page.split(`\`\`\`${name}\n`)[1].split('```')[0];
/** With fewer attempts to lose less. */
const quick = (text: string): string => text.replace('--stats all', '--effort fast --stats all');
const has = (program: string) => spawnSync(program, ['--version']).status === 0;

const root = mkdtempSync(join(tmpdir(), 'quantize-test-'));
const folder = join(root, 'work');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const run = (script: string, env: Record<string, string> = {}): string => {
  const { status, stderr } = spawnSync('bash', ['-e', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, PATH: `${root}:${process.env.PATH}`, HOME: root },
  });
  expect(status, stderr).toBe(0);
  return stderr;
};
const sum = (name: string) =>
  createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');

describe('the examples of docs/schedulers.md give the statistics of one pass, bit for bit', () => {
  let whole: string;

  beforeAll(() => {
    writeFileSync(join(root, 'quantize'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
    chmodSync(join(root, 'quantize'), 0o755);
    mkdirSync(folder);
    cpSync(join(ROOT, 'fixtures/shapes.onnx'), join(folder, 'net.onnx'));
    cpSync(join(ROOT, 'fixtures/shapes.calibration'), join(folder, 'samples'), { recursive: true });
    run('quantize calibrate net.onnx -c samples -o whole.stats -q');
    whole = sum('whole.stats');
  });
  beforeEach(() => run('rm -f part*.stats all.stats net.int8.onnx'));

  it.runIf(has('parallel'))('with GNU parallel (needs parallel)', () => {
    run(quick(block('sh parallel')));
    expect(sum('all.stats')).toBe(whole);
  });

  it.runIf(has('make'))('with make, which makes nothing twice (needs make)', () => {
    writeFileSync(join(folder, 'Makefile'), quick(block('make')));
    run('make -j4');
    expect(sum('all.stats')).toBe(whole);
    expect(sum('net.int8.onnx')).toMatch(/^\w{64}$/);
    run('make -q');
  });

  it('with an array of Slurm and an Indexed Job of Kubernetes, of which one shard each is run', () => {
    const { kind, spec } = parse(block('yaml'));
    expect([kind, spec.completionMode, spec.completions]).toEqual(['Job', 'Indexed', 4]);
    const [{ command, args }] = spec.template.spec.containers;
    expect(command).toEqual(['sh', '-c']);
    run('quantize calibrate net.onnx -c samples --shard 2/4 -o third.stats -q');
    run(args[0], { JOB_COMPLETION_INDEX: '2' });
    expect(sum('part2.stats')).toBe(sum('third.stats'));
    run('rm part2.stats');
    run(block('sh slurm'), { SLURM_ARRAY_TASK_ID: '2', SLURM_ARRAY_TASK_COUNT: '4' });
    expect(sum('part2.stats')).toBe(sum('third.stats'));
  });
});
