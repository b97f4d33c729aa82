import { describe, expect, it } from 'vitest';
import { METHODS } from '../../src/calibrate/methods/index.js';
import { COMMANDS } from '../../src/cli/command-table/index.js';
import { optionSpec } from '../../src/cli/options/index.js';
import { FEATURED_SCHEMES } from '../../src/plan/scheme.js';
import { TARGETS } from '../../targets/index.js';
import { quantize } from './run.js';

describe('--help', () => {
  it.each(COMMANDS.map((c) => [c.id || 'the main job', c] as const))(
    'of %s teaches',
    async (_id, command) => {
      const { code, stdout, stderr } = await quantize([...(command.id ? [command.id] : []), '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const id of command.options) expect(stdout).toContain(/--[a-z-]+/.exec(optionSpec(id).flags)![0]);
      for (const [example, purpose] of command.examples) {
        expect(stdout).toContain(`quantize ${example}`);
        expect(stdout).toContain(purpose);
      }
    },
  );

  it('of the main job lists every command and the rows of the registries', async () => {
    const { stdout } = await quantize(['--help']);
    const words = [...COMMANDS.map((c) => c.id), ...FEATURED_SCHEMES, ...METHODS.map((row) => row.id)];
    for (const word of [...words, ...TARGETS.map((t) => t.aliases[0] ?? t.id)])
      expect(stdout).toContain(word);
    expect(stdout).toContain('Exit codes: 0 done');
  });

  it('writes no escape sequence into a pipe', async () => {
    expect((await quantize(['--help'])).stdout).not.toContain('\x1b');
  });
});

describe('the tables of commands', () => {
  it('name no command and no option twice', () => {
    const ids = COMMANDS.map((c) => c.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { options } of COMMANDS) expect(new Set(options).size).toBe(options.length);
  });

  it('give a short flag to one option only within a command', () => {
    for (const { options } of COMMANDS) {
      const short = options.flatMap((id) => /^-[a-z]/.exec(optionSpec(id).flags)?.[0] ?? []);
      expect(new Set(short).size).toBe(short.length);
    }
  });

  it('refer in examples only to options that the command has', () => {
    for (const { id, options, examples } of COMMANDS)
      for (const [example] of examples) {
        const flags = example.split(' | ')[0].match(/(?<=\s)--?[a-z][a-z-]*/g) ?? [];
        const known = options.flatMap((o) => optionSpec(o).flags.match(/--?[a-z][a-z-]*/g) ?? []);
        expect({ id, unknown: flags.filter((f) => !known.includes(f)) }).toEqual({ id, unknown: [] });
      }
  });
});

describe('--version', () => {
  it('is the one of the package', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    expect((await quantize(['--version'])).stdout).toBe(`${manifest.version}\n`);
  });
});
