import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram } from '../../src/cli/program.js';
import type { Shell } from '../../src/cli/shell.js';
import type { Model } from '../../src/ir/model.js';
import { encodeModel } from '../../src/onnx/index.js';
import { residual, store } from './models.js';

let folder: string;
let [sound, faulty] = ['', ''];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lint-'));
  const put = (name: string, model: Model) => {
    writeFileSync(join(folder, name), encodeModel(model));
    return join(folder, name);
  };
  const wrong = residual();
  store(wrong, 'a_zero', 'int8', [], Int8Array.of(3));
  [sound, faulty] = [put('sound.onnx', residual()), put('faulty.onnx', wrong)];
});
afterAll(() => rmSync(folder, { recursive: true }));

async function lint(...args: string[]) {
  const out: string[] = [];
  const sink = { write: (text: string) => out.push(text) > 0 };
  const shell = { stdout: sink, stderr: sink, env: {}, pipeline: () => import('../../src/pipeline.js') };
  let code: string | undefined;
  await runProgram(['lint', ...args], '1.0.0', shell as unknown as Shell).catch((e) => {
    code = e.code;
  });
  return { code, text: out.join('') };
}

it.each(['table', 'json', 'markdown', 'sarif'])('lint prints %s and fails on errors only', async (format) => {
  const [good, bad] = [await lint(sound, '-f', format), await lint(faulty, '-f', format, '-v')];
  expect([good.code, bad.code]).toEqual([undefined, 'LINT_ERRORS']);
  expect([good.text.includes('its zero point'), bad.text.includes('its zero point')]).toEqual([false, true]);
});
