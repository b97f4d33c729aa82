import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Attack, attack, expectCivil, expectRefusal, run, scene, to, USUAL } from './harness.js';

const OUTPUTS: Attack[] = [
  {
    name: 'a folder that is not there',
    make: scene,
    args: to('gone/out.onnx'),
    exit: 3,
    code: /^NO_FOLDER$/,
    says: /gone/,
  },
  {
    name: 'a folder',
    make: () => {
      const s = scene();
      mkdirSync(join(s.root, 'd'));
      return s;
    },
    args: to('d'),
    exit: 2,
    code: /^OUTPUT_WRITE$/,
    says: /folder/,
  },
  { name: 'below a file', make: scene, args: to('net.onnx/out.onnx'), exit: 3, code: /^NO_FOLDER$/ },
  { name: 'the input', make: scene, args: to('net.onnx'), exit: 2, code: /^OUTPUT_IS_INPUT$/ },
  {
    name: 'the input by another path',
    make: scene,
    args: to('../work/net.onnx'),
    exit: 2,
    code: /^OUTPUT_IS_INPUT$/,
  },
  {
    name: 'the input through a link',
    make: () => {
      const s = scene();
      symlinkSync('net.onnx', join(s.root, 'same.onnx'));
      return s;
    },
    args: to('same.onnx'),
    exit: 2,
    code: /^OUTPUT_IS_INPUT$/,
  },
  {
    name: 'a report of no known form',
    make: scene,
    args: to('out.onnx', '--report', 'r.pdf'),
    exit: 2,
    code: /^REPORT_FORMAT$/,
  },
  {
    name: 'a report over the input',
    make: () => {
      const s = scene();
      symlinkSync('net.onnx', join(s.root, 'r.json'));
      return s;
    },
    args: to('out.onnx', '--report', 'r.json'),
    exit: 2,
    code: /^OUTPUT_IS_INPUT$/,
  },
  {
    name: 'a plan over the input',
    make: scene,
    args: to('out.onnx', '--save-plan', 'net.onnx'),
    exit: 2,
    code: /^OUTPUT_IS_INPUT$/,
  },
  {
    name: 'a plan over the output',
    make: scene,
    args: to('out.onnx', '--save-plan', 'out.onnx'),
    exit: 2,
    code: /^OUTPUT/,
  },
  {
    name: 'a folder that only others may write (/proc)',
    make: scene,
    args: to('/proc/out.onnx'),
    exit: 2,
    code: /^OUTPUT_WRITE$/,
  },
  { name: 'a gate that fails', make: scene, args: to('out.onnx', '--min-sqnr', '500'), exit: 5, code: /./ },
];

const target = (text: string) => () => {
  const made = scene();
  made.put('chip.json', text);
  return made;
};
const TARGETS: Attack[] = [
  {
    name: 'not JSON',
    make: target('{"id": '),
    args: [...USUAL, '-t', 'chip.json'],
    exit: 3,
    code: /^TARGET_INVALID$/,
    says: /chip\.json/,
  },
  {
    name: 'not an object',
    make: target('[1, 2]'),
    args: [...USUAL, '-t', 'chip.json'],
    exit: 3,
    code: /^TARGET_INVALID$/,
  },
  {
    name: 'without what it needs',
    make: target('{"id": "mine"}'),
    args: [...USUAL, '-t', 'chip.json'],
    exit: 3,
    code: /^TARGET_INVALID$/,
  },
  { name: 'not there', make: scene, args: [...USUAL, '-t', 'chip.json'], exit: 3, code: /^TARGET_INVALID$/ },
  {
    name: 'misspelt',
    make: scene,
    args: [...USUAL, '-t', 'anne'],
    exit: 2,
    code: /^UNKNOWN_TARGET$/,
    says: /did you mean ane/,
  },
  {
    name: 'an unknown scheme',
    make: scene,
    args: [...USUAL, '-s', 'int8-perchanel'],
    exit: 2,
    code: /^UNKNOWN_SCHEME$/,
    says: /int8-perchannel/,
  },
  {
    name: 'an unknown method',
    make: scene,
    args: [...USUAL, '-m', 'minmaxx'],
    exit: 2,
    code: /METHOD/,
    says: /minmax/,
  },
];

/** Other commands that write. */
const COMMANDS = [
  ['calibrate', 'net.onnx', ...to('net.onnx')],
  ['plan', 'net.onnx', ...to('net.onnx')],
  ['plan', './net.onnx', ...to('gone/plan.json')],
  ['merge', 'net.onnx', '-o', 'merged.stats'],
  ['apply', 'samples.npy', 'net.onnx'],
  ['compare', 'net.onnx', 'samples.npy'],
  ['inspect', 'samples.npy'],
  ['report', 'samples.npy'],
];

describe('where the output goes', () => {
  it.concurrent.each(OUTPUTS)('$name', attack);
});
describe('other commands', () => {
  it.concurrent.each(COMMANDS)('quantize %s %s …', async (...args) => {
    const place = scene();
    const before = place.files();
    const outcome = await run(place, args);
    expectRefusal(outcome, before, place, outcome.code === 2 ? 2 : 3, /./);
  });
});
describe('what to make', () => {
  it.concurrent.each(TARGETS)('$name', attack);
});

describe('what is already there', () => {
  it('an older output is replaced when all is well, and untouched when a gate fails', async () => {
    const place = scene();
    const old = place.put('out.onnx', 'old');
    expect((await run(place, ['net.onnx', ...to('out.onnx', '--min-sqnr', '500')])).code).toBe(5);
    expect(readFileSync(old, 'utf8')).toBe('old');
    expect((await run(place, ['net.onnx', ...USUAL])).code).toBe(0);
    expect(statSync(old).size).toBeGreaterThan(1000);
  });

  it.each(['onnx', 'json', 'plan', 'stats'])('a link stays a link (%s)', async (ending) => {
    const place = scene();
    const link = join(place.root, `link.${ending}`);
    place.put('sub/real', 'old');
    symlinkSync('sub/real', link);
    const args: Record<string, string[]> = {
      onnx: ['net.onnx', ...to('link.onnx')],
      json: ['net.onnx', ...to('out.onnx', '--report', 'link.json')],
      plan: ['net.onnx', ...to('out.onnx', '--save-plan', 'link.plan')],
      stats: ['calibrate', 'net.onnx', ...to('link.stats')],
    };
    const outcome = await run(place, args[ending]);
    expectCivil(outcome);
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(join(place.root, 'sub/real')).size).toBeGreaterThan(100);
    expect(place.files().filter((f) => /tmp\/|\.tmp/.test(f))).toEqual([]);
  });
});
