import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { BIN, quantize } from './run.js';

describe('streams', () => {
  it.each([
    ['a pipe', {}, false],
    ['NO_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, false],
    ['a dumb terminal', { TERM: 'dumb', FORCE_COLOR: '1' }, false],
    ['an empty NO_COLOR, which asks for nothing', { NO_COLOR: '', FORCE_COLOR: '1' }, true],
  ])('colour: %s', async (_what, env, colored) => {
    const { stdout } = await quantize(['targets'], { env: env as Record<string, string> });
    expect(stdout.includes('\x1b[')).toBe(colored);
  });

  it('COLUMNS gives the width in a pipe', async () => {
    const widest = async (columns: string) =>
      Math.max(
        ...(await quantize(['targets'], { env: { COLUMNS: columns } })).stdout
          .split('\n')
          .map((l) => [...l].length),
      );
    expect(await widest('72')).toBeLessThanOrEqual(72);
    expect(await widest('160')).toBeGreaterThan(100);
  });

  it('a reader that goes away is no error', async () => {
    const child = spawn(process.execPath, [BIN, 'targets', '-f', 'json']);
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('listings', () => {
  it.each([
    ['targets', 'onnx-quantize/targets@1', 'h100'],
    ['schemes', 'onnx-quantize/schemes@1', 'int8-perchannel'],
    ['methods', 'onnx-quantize/methods@1', 'mse'],
  ])('%s are a table, JSON and Markdown', async (command, schema, row) => {
    const json = await quantize([command, '-f', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ schema });
    for (const format of ['table', 'markdown', 'json'])
      expect((await quantize([command, '-f', format])).stdout).toContain(row);
    expect((await quantize([command, '-f', 'markdown'])).stdout).toMatch(/^\| .* \|\n\| --- \|/);
  });

  it.each(['table', 'markdown', 'json'])('every figure of a chip has its source: %s', async (format) => {
    const { code, stdout } = await quantize(['targets', '--show', 'ane', '-f', format]);
    expect(code).toBe(0);
    for (const said of ['Apple', 'vendor', 'measured', '2023-09']) expect(stdout).toContain(said);
  });
});
