import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/onnx/index.js';
import {
  AS_IT_COMES,
  expectCivil,
  network,
  type Outcome,
  rows,
  run,
  type Scene,
  scene,
  USUAL,
} from './harness.js';

/** Enough samples that calibration and verification are still at work when the signal arrives. */
const busy = (): Scene => scene(network(), rows(6000));
const STAGES = ['load', 'prepare', 'calibrate', 'plan', 'quantize', 'verify'];

function expectInterrupted(outcome: Outcome, before: string[], place: Scene): void {
  expectCivil(outcome);
  expect(outcome.code, outcome.stderr).toBe(130);
  expect(outcome.stdout).toBe('');
  expect(outcome.stderr.match(/^(error|interrupted)/gm)).toEqual(['interrupted']);
  expect(place.files()).toEqual(before);
}

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  it.concurrent.each(STAGES)('at %s: exit code 130 and nothing left anywhere', async (stage) => {
    const place = busy();
    const before = place.files();
    expectInterrupted(await run(place, ['net.onnx', ...USUAL], { on: { stage, signal } }), before, place);
  });

  it.concurrent('amid the steps that lose less: exit code 130 and nothing left anywhere', async () => {
    const place = busy();
    const before = place.files();
    const options = { on: { stage: 'equalize', signal } };
    expectInterrupted(await run(place, ['net.onnx', ...AS_IT_COMES], options), before, place);
  });

  it.concurrent('with the model from stdin: its private copy is gone too', async () => {
    const place = busy();
    const before = place.files();
    const input = readFileSync(join(place.root, 'net.onnx'));
    const options = { input, on: { stage: 'calibrate', signal } };
    expectInterrupted(await run(place, ['-', '-c', 'samples.npy', '-o', '-'], options), before, place);
  });

  it.concurrent('in calibrate: what was measured is kept, said so, and can be gone on from', async () => {
    const place = busy();
    const calibrate = ['calibrate', 'net.onnx', '-c', 'samples.npy', '-o', 'part.stats'];
    const outcome = await run(place, calibrate, { on: { stage: 'calibrate', signal } });
    expectCivil(outcome);
    expect(outcome.code, outcome.stderr).toBe(130);
    expect(outcome.stderr).toMatch(/interrupted: .*\n.*part\.stats/);
    expect(place.files()).toEqual(['net.onnx', 'part.stats', 'samples.npy']);
    const resumed = await run(place, [...calibrate, '--stats', 'part.stats']);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stdout).toContain('6000');
  });
});

describe('kill -9', () => {
  it.concurrent.each(STAGES)(
    'at %s: nothing that looks like an output, and the next run is well',
    async (stage) => {
      const place = scene(network(), rows(1000));
      const before = place.files();
      const outcome = await run(place, ['net.onnx', ...USUAL], { on: { stage, signal: 'SIGKILL' } });
      expect(outcome.signal).toBe('SIGKILL');
      // A name that begins with a dot and ends in .tmp is all that may lie there.
      const left = place.files().filter((f) => !before.includes(f));
      for (const file of left) expect(file).toMatch(/^(tmp\/quantize-|\.quantize-\w+\.tmp$)/);
      const again = await run(place, ['net.onnx', ...USUAL]);
      expect(again.code, again.stderr).toBe(0);
      loadModel(join(place.root, 'out.onnx'));
    },
  );
});
