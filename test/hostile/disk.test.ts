import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectRefusal, run, scene, to } from './harness.js';

/** A file system of 64 kB, where root may mount one. */
function smallDisk(): string | undefined {
  const { root } = scene();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', root], { stdio: 'ignore' });
    afterAll(() => execFileSync('umount', [root]));
    return root;
  } catch {
    return undefined;
  }
}
const disk = smallDisk();

describe('a full disk', () => {
  const cases = [
    ['the model', to('/dev/full')],
    ['the model through a link', to('full.onnx')],
    ['the plan', to('out.onnx', '--save-plan', '/dev/full')],
  ] as const;
  it.skipIf(!existsSync('/dev/full')).each(cases)('%s on a device without room', async (name, args) => {
    const place = scene();
    symlinkSync('/dev/full', join(place.root, 'full.onnx'));
    const before = place.files();
    const outcome = await run(place, ['net.onnx', ...args]);
    // The model is whole when the plan beside it fails.
    if (name === 'the plan') rmSync(join(place.root, 'out.onnx'), { force: true });
    expectRefusal(outcome, before, place, name === 'the plan' ? 3 : 2, /WRITE/);
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it('statistics on a device without room', async () => {
    const place = scene();
    const before = place.files();
    expectRefusal(await run(place, ['calibrate', 'net.onnx', ...to('/dev/full')]), before, place, 2, /WRITE/);
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it.each(['out.onnx', 'stats'])('a limit on the size of %s', async (output) => {
    const place = scene();
    const before = place.files();
    const args = output === 'stats' ? ['calibrate', 'net.onnx'] : ['net.onnx'];
    // One block of 1,024 bytes.
    const outcome = await run(place, [...args, ...to(output)], { before: 'ulimit -f 1' });
    expectRefusal(outcome, before, place, 2, /WRITE/);
  });

  it.skipIf(!disk)('a disk of 64 kB (skipped where a tmpfs cannot be mounted)', async () => {
    const place = scene();
    const filler = execFileSync('df', ['--output=avail', '-B1', disk!]).toString().split('\n')[1];
    execFileSync('bash', ['-c', `head -c ${Number(filler)} /dev/zero > ${disk}/filler`]);
    const before = place.files();
    const outcome = await run(place, ['net.onnx', ...to(join(disk!, 'out.onnx'))]);
    expectRefusal(outcome, before, place, 2, /^OUTPUT_WRITE$/);
    expect(outcome.stderr).toContain('the disk is full');
    expect(execFileSync('ls', ['-A', disk!]).toString()).toBe('filler\n');
  });
});
