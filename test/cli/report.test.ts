import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import type { Model, ValueInfo } from '../../src/ir/model.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { saveModel } from '../../src/onnx/index.js';
import { readPage } from '../report/page.js';
import { makeModel } from '../verify/models.js';
import { quantize as command, ROOT } from './run.js';

const MODEL = join(ROOT, 'fixtures/shapes.onnx');
const SAMPLES = join(ROOT, 'fixtures/shapes.calibration');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const quantize = (...args: string[]) => command(args, { cwd: folder });
const text = (file: string) => readFileSync(join(folder, file), 'utf8');

function perToken(): Model {
  const open = (name: string, width: number): ValueInfo => ({
    name,
    type: {
      tensor: { elemType: 1, shape: { dims: [{ value: 1 }, { param: 'tokens' }, { value: width }] } },
    },
  });
  const weight = floatTensor('w', [8, 4], new Array(32).fill(0.5));
  return makeModel([makeNode('MatMul', ['x', 'w'], ['y'])], [open('x', 8)], [open('y', 4)], [weight]);
}

describe('quantize report', () => {
  it('writes one report in every form', async () => {
    const files = ['--html', 'r.html', '--report', 'r.json', '--report', 'r.md'];
    const { code, stdout, stderr } = await quantize('report', MODEL, '-t', 'ane', ...files);
    expect({ code, files: readdirSync(folder).sort() }).toEqual({
      code: 0,
      files: ['r.html', 'r.json', 'r.md'],
    });
    expect(stderr).toContain('wrote r.html');
    expect(stdout).toContain('time by operator');
    expect(readPage(text('r.html')).errors).toEqual([]);
    expect(JSON.parse(text('r.json'))).toMatchObject({ schema: 'onnx-quantize/report@1' });
    expect(text('r.md')).toMatch(/^## .*int8-perchannel/);
  });

  it('puts several chips and schemes side by side', async () => {
    const args = ['-t', 'ane,tpu,h100', '-s', 'int8-perchannel,int8-perlayer', '--html', 'r.html'];
    const { code, stdout } = await quantize('report', MODEL, ...args, '-f', 'json');
    const { schema, rows } = JSON.parse(stdout);
    expect({ code, schema }).toEqual({ code: 0, schema: 'onnx-quantize/report-comparison@1' });
    expect(rows.map((r: { target: { id: string }; scheme: string }) => `${r.target.id} ${r.scheme}`)).toEqual(
      [
        'a17-ane int8-perchannel',
        'a17-ane int8-perlayer',
        'tpu-v4 int8-perchannel',
        'tpu-v4 int8-perlayer',
        'h100-sxm int8-perchannel',
        'h100-sxm int8-perlayer',
      ],
    );
    expect(rows.some((r: object) => 'loss' in r)).toBe(false);
    expect(readPage(text('r.html')).errors).toEqual([]);
  });

  it('measures what is lost where there are samples, and writes no model', async () => {
    const samples = ['-c', SAMPLES, '-e', SAMPLES, '--limit', '8', '--effort', 'fast'];
    const { code, stdout } = await quantize('report', MODEL, '-t', 'ane,h100', ...samples, '-f', 'markdown');
    expect({ code, files: readdirSync(folder) }).toEqual({ code: 0, files: [] });
    expect(stdout).toMatch(/\| Chip \| Scheme \| Accuracy loss \|/);
    expect(stdout).toMatch(/\| \d+\.\d dB SQNR \|/);
  });

  it('reads one row a line on a narrow terminal', async () => {
    const env = { COLUMNS: '48' };
    const { stdout } = await command(['report', MODEL, '-t', 'ane,tpu'], { cwd: folder, env });
    expect(stdout).toMatch(/a17-ane\n {2}scheme: int8-perchannel\n/);
    expect(
      Math.max(
        ...stdout
          .split('\n')
          .filter((l) => l.startsWith('  '))
          .map((l) => l.length),
      ),
    ).toBeLessThan(49);
  });

  // y = x·W for x [1, tokens, 8] and W [8, 4]: 32 MACs a token.
  it.each([
    ['16 tokens where none are said', [], 1, 16, 512],
    ['--batch', ['--batch', '8'], 8, 16, 4096],
    ['--sequence', ['--sequence', '64'], 1, 64, 2048],
    ['both', ['--batch', '8', '--sequence', '64'], 8, 64, 16384],
    ['--dim, which goes before --sequence', ['--dim', 'tokens=16', '--sequence', '64'], 1, 16, 512],
  ])('counts for %s', async (_, args, batch, tokens, macs) => {
    await saveModel(perToken(), join(folder, 'tokens.onnx'));
    const { stdout } = await quantize('report', 'tokens.onnx', '-t', 'h100', ...args, '-f', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ run: { batch, dims: { tokens } }, macs });
  });

  it.each([
    [['-t', 'ane,anne'], 2, 'UNKNOWN_TARGET'],
    [['-t', 'ane,tpu', '-s', 'int8-perchannel,int9'], 2, 'UNKNOWN_SCHEME'],
    [['--html', 'no/such/r.html'], 3, 'NO_FOLDER'],
    [['--report', 'r.txt'], 2, 'REPORT_FORMAT'],
    [['-t', 'h100', '--sequence', '64'], 2, 'SEQUENCE_UNKNOWN'],
    [['-t', 'h100', '--batch', '0'], 2, 'OPTION_VALUE'],
    [['--html', MODEL], 2, 'OUTPUT_IS_INPUT'],
    [['--html', 'r.html', '--report', 'r.html'], 2, 'OUTPUT_TWICE'],
  ])('%j is refused before the work', async (args, exit, error) => {
    const { code, stderr, stdout } = await quantize('report', MODEL, ...args);
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
    expect(stderr).toContain(`error ${error}`);
    expect(existsSync(join(folder, 'r.html'))).toBe(false);
  });
});
