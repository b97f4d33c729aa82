import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BIN, ROOT } from '../cli/run.js';

/** The YAML and shell blocks of docs/ci.md, in order. */
const blocks = [...readFileSync(join(ROOT, 'docs/ci.md'), 'utf8').matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(
  ([, language, text]) => ({ language, text }),
);
const [jobs, github, gitlab] = blocks.filter((block) => block.language === 'yaml').map((block) => block.text);
const [baseline, against] = blocks.filter((block) => block.language === 'sh').map((block) => block.text);
const githubScript: string = parse(github)
  .jobs.quantize.steps.flatMap((step: { run?: string }) => step.run ?? [])
  .join('\n');
const gitlabScript: string = parse(gitlab).quantize.script.join('\n');

/** The jobs of the page, with fewer attempts to lose less. */
const quick = jobs.replace('defaults:', 'defaults:\n  effort: fast');

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As a runner does it: stops at the first command that fails. `npm` has put the command on the path already. */
const run = (script: string) =>
  spawnSync('bash', ['-e', '-o', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      HOME: process.env.HOME,
      GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
    },
  });
const written = (name: string) => readFileSync(join(folder, name), 'utf8');
/** 4-bit weights and activations in one scale a tensor cost the fixture's network several points. */
const costly = () =>
  writeFileSync(join(folder, 'jobs.yaml'), quick.replace('int8-perchannel', 'int4-a8-perlayer'));

describe('the workflows of docs/ci.md', () => {
  beforeAll(() => {
    mkdirSync(join(folder, 'bin'));
    mkdirSync(join(folder, 'models'));
    for (const [name, text] of [
      ['quantize', `exec "${process.execPath}" "${BIN}" "$@"`],
      ['npm', 'exit 0'],
    ]) {
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(folder, 'bin', name), 0o755);
    }
    for (const part of ['.onnx', '.calibration', '.evaluation', '.labels.txt'])
      cpSync(join(ROOT, `fixtures/shapes${part}`), join(folder, `models/shapes${part}`), { recursive: true });
    writeFileSync(join(folder, 'jobs.yaml'), quick);
  });

  it('pass while no model loses more accuracy than allowed, and make a baseline', () => {
    const { status, stderr } = run(baseline);
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    expect(JSON.parse(written('baseline.json')).counts).toMatchObject({ done: 2, failed: 0 });
    expect(run(against).status).toBe(0);
  });

  it.each([
    ['GitHub', githubScript, 'summary.md'],
    ['GitLab', gitlabScript, 'summary.md'],
  ])('fail the build of %s and say which and why', (_host, script, summary) => {
    costly();
    rmSync(join(folder, summary), { force: true });
    const { status, stderr } = run(script);
    expect(status).toBe(5);
    expect(stderr).toContain('BATCH_GATE: 2 of 2 jobs failed');
    expect(written(summary)).toMatch(
      /## What failed[\s\S]*shapes ane int4-a8-perlayer \| ACCURACY_GATE \| .*6\.8/,
    );
    expect(written('quantize.xml')).toContain('failures="2" errors="0"');
    expect(written('quantize.html')).toMatch(/href="quantize.reports\/shapes\.ane|ACCURACY_GATE/);
  });

  it('write findings as SARIF, each at the file of its model', () => {
    const [{ tool, results }] = JSON.parse(written('quantize.sarif')).runs;
    expect(tool.driver.rules).toEqual([{ id: 'ACCURACY_GATE' }]);
    for (const { level, message, locations } of results) {
      expect(level).toBe('error');
      expect(message.text).toMatch(/^shapes (ane|tpu) int4-a8-perlayer: .*6\.8/);
      expect(locations[0].physicalLocation.artifactLocation.uri).toBe('models/shapes.onnx');
    }
  });
});
