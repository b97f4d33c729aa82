import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { calibrate, calibrateFor, passFile } from '../../src/pipeline.js';
import { ROOT } from '../cli/run.js';

const folder = mkdtempSync(join(tmpdir(), 'quantize-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FIXTURE = join(ROOT, 'fixtures/shapes');
const options = {
  model: `${FIXTURE}.onnx`,
  calibration: [`${FIXTURE}.calibration`],
  limit: 4,
  method: 'mse',
  threads: 1,
};
const ane = { target: 'ane', scheme: 'int8-perchannel' };
const tpu = { target: 'tpu', scheme: 'int8-perlayer' };
/** Observes less than the others: TensorRT wants no pairs behind operators. */
const h100 = { target: 'h100', scheme: 'int8-perchannel' };
const weightOnly = { target: 'cpu', scheme: 'int8-float-perchannel' };

describe('calibrateFor', () => {
  it.each([
    ['leaves to a job what serves it alone', undefined, [ane, h100, tpu, weightOnly], [0, null, 0, null]],
    ['does every pass where samples are cut', [0, 2] as [number, number], [ane, h100, tpu], [0, 1, 0]],
    ['does a pass for each set of tensors', undefined, [h100, ane, h100, tpu], [0, 1, 0, 1]],
  ])('%s, with bit for bit the statistics of each variant alone', async (name, shard, variants, serving) => {
    const output = join(folder, name);
    expect(await calibrateFor({ ...options, ...ane, shard, output }, variants)).toEqual(serving);
    const passes = new Set(serving.filter((pass) => pass !== null));
    expect(readdirSync(folder).filter((file) => file.startsWith(name))).toHaveLength(passes.size);
    for (const [v, pass] of serving.entries()) {
      if (pass === null) continue;
      const alone = join(folder, 'alone');
      await calibrate({ ...options, ...variants[v], shard, output: alone });
      expect(readFileSync(passFile(output, pass)).equals(readFileSync(alone))).toBe(true);
    }
  });
});
