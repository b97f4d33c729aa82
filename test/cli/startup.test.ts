import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { BIN } from './run.js';

const ROUNDS = 60;
const WANTED = 2;

function milliseconds(args: string[]): number {
  const start = performance.now();
  spawnSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - start;
}

/**
 * The fastest of each: what else runs on the machine only ever adds time. The rounds alternate, and end as soon as
 * the ratio is reached; a program that is too slow never reaches it.
 */
it('--help takes less than twice the time of node -e 0', () => {
  let bare = Number.POSITIVE_INFINITY;
  let help = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && (round < 5 || help >= WANTED * bare); round++) {
    bare = Math.min(bare, milliseconds(['-e', '0']));
    help = Math.min(help, milliseconds([BIN, '--help']));
  }
  expect(help / bare).toBeLessThan(WANTED);
});
