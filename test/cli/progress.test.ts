import { describe, expect, it, vi } from 'vitest';
import type { Options } from '../../src/cli/options/index.js';
import { barText, createProgress, duration } from '../../src/cli/progress.js';
import type { Shell } from '../../src/cli/shell.js';

const FULL = '█'.repeat(24);
const EMPTY = '░'.repeat(24);

describe('barText', () => {
  it.each([
    [{ stage: 'load' }, 0, 'load'],
    [{ stage: 'load', message: 'net.onnx' }, 0, 'load: net.onnx'],
    [{ stage: 'equalize' }, 61, 'equalize · 1 min 1 s'],
    [{ stage: 'c', done: 0, total: 10 }, 0, `c ${EMPTY} 0/10`],
    [{ stage: 'c', done: 10, total: 10 }, 4, `c ${FULL} 10/10 · 2.5/s`],
    [
      { stage: 'c', done: 12, total: 24, rate: 3 },
      99,
      `c ${FULL.slice(12)}${EMPTY.slice(12)} 12/24 · 3.0/s · 4 s left`,
    ],
    [{ stage: 'c', done: 7 }, 0.5, 'c 7 · 14/s'],
    [{ stage: 'c', done: 0, total: 0 }, 1, `c ${EMPTY} 0/0`],
    [{ stage: 'c', done: 30, total: 24 }, 10, `c ${FULL} 30/24 · 3.0/s`],
  ])('%j after %d s', (event, seconds, text) => expect(barText(event, seconds)).toBe(text));
});

describe('duration', () => {
  it.each([
    [0, '1 s'],
    [59.4, '59 s'],
    [60, '1 min 0 s'],
    [3599, '59 min 59 s'],
    [7500, '2 h 5 min'],
  ])('%d', (seconds, text) => expect(duration(seconds)).toBe(text));
});

function collect(options: Partial<Options>, isTTY: boolean) {
  const written: string[] = [];
  const stderr = { isTTY, columns: 80, write: (text: string | Uint8Array) => written.push(String(text)) };
  const clock = { ms: 0 };
  const shell = { stderr, env: {} } as unknown as Shell;
  const progress = createProgress(shell, options as Options, () => clock.ms);
  return { progress, written, clock };
}

describe('createProgress', () => {
  const warning = {
    level: 'warning',
    code: 'SYNTHETIC',
    message: 'made up',
    where: { tensor: 'x' },
  } as const;
  const note = { level: 'note', code: 'FOLDED', message: 'two nodes' } as const;

  it('redraws at most ten times a second, and always at the end', () => {
    const { progress, written, clock } = collect({}, true);
    for (let done = 0; done <= 100; done++) {
      clock.ms = done;
      progress.update({ stage: 'c', done, total: 100 });
    }
    expect(written).toHaveLength(2);
    expect(written[1]).toContain('100/100');
    progress.end();
    progress.end();
    expect(written).toHaveLength(3);
  });

  it('tells the time of a stage that says nothing', () => {
    vi.useFakeTimers();
    const { progress, written, clock } = collect({}, true);
    progress.update({ stage: 'equalize' });
    clock.ms = 3000;
    vi.advanceTimersByTime(1000);
    progress.end();
    vi.advanceTimersByTime(5000);
    vi.useRealTimers();
    expect(written.map((text) => text.replace('\r\x1b[2K', ''))).toEqual(['equalize', 'equalize · 3 s', '']);
  });

  it('writes one line per stage into a pipe', () => {
    const { progress, written } = collect({}, false);
    for (const done of [1, 2, 3]) progress.update({ stage: 'calibrate', done, total: 3 });
    progress.update({ stage: 'plan' });
    expect(written).toEqual(['calibrate…\n', 'plan…\n']);
  });

  it.each<[options: Partial<Options>, written: string[]]>([
    [{}, ['c…\n', 'warning SYNTHETIC: made up (tensor x)\n', 'wrote f\n']],
    [
      { verbose: true },
      ['c…\n', 'warning SYNTHETIC: made up (tensor x)\n', 'note FOLDED: two nodes\n', 'wrote f\n'],
    ],
    [{ quiet: true }, ['warning SYNTHETIC: made up (tensor x)\n']],
    [{ quiet: true, verbose: true }, ['warning SYNTHETIC: made up (tensor x)\n']],
  ])('with %j says %j', (options, expected) => {
    const { progress, written } = collect(options, false);
    progress.update({ stage: 'c' });
    progress.diagnose(warning);
    progress.diagnose(note);
    progress.say('wrote f');
    progress.end();
    expect(written).toEqual(expected);
  });
});
