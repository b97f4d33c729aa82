import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/command-table/index.js';
import { completionScript, type ShellName } from '../../src/cli/completion.js';
import { quantize } from './run.js';

const SHELLS: ShellName[] = ['bash', 'zsh', 'fish'];
const installed = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'completion-'));
  for (const shell of SHELLS) writeFileSync(join(folder, shell), await completionScript(shell));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(SHELLS)('completion for %s', (shell) => {
  it('is what the command prints', async () => {
    const { code, stdout } = await quantize(['completion', shell]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: await completionScript(shell) });
  });

  it('knows every command and option', async () => {
    const script = await completionScript(shell);
    for (const { id } of COMMANDS) expect(script).toContain(id);
    for (const word of ['max-accuracy-drop', 'keep-float', 'imagenet-torch', 'int8-perchannel', 'h100'])
      expect(script).toContain(word);
  });

  it.skipIf(!installed(shell))(`is valid ${shell} (skipped where ${shell} is not installed)`, () => {
    const flag = shell === 'fish' ? '--no-execute' : '-n';
    expect(() => execFileSync(shell, [flag, join(folder, shell)], { stdio: 'pipe' })).not.toThrow();
  });
});

/** What bash offers when TAB is pressed after these words. */
function offered(...words: string[]): string[] {
  const list = words.map((w) => `'${w}'`).join(' ');
  const script = `source "${folder}/bash"; COMP_WORDS=(quantize ${list}); COMP_CWORD=${words.length}; _quantize; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe.skipIf(!installed('bash'))('bash offers', () => {
  it.each<[words: string[], wanted: string[]]>([
    [['insp'], ['inspect']],
    [['co'], ['compare', 'completion']],
    [['m.onnx', '--tar'], ['--target']],
    [['m.onnx', '-t', 'm4'], ['m4-ane']],
    [
      ['m.onnx', '--format', ''],
      ['table', 'json', 'markdown'],
    ],
    [['inspect', '--cal'], []],
    [['completion', 'z'], ['zsh']],
    [
      ['calibrate', 'm.onnx', '--sh'],
      ['--shape', '--shard'],
    ],
    [['m.onnx', '-c', 'zs'], ['zsh']],
  ])('after %j: %j', (words, wanted) => {
    expect(offered(...words).sort()).toEqual([...wanted].sort());
  });
});
