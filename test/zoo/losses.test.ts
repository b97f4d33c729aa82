import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runJob } from './job.js';
import { ZOO } from './samples.js';

/**
 * Networks whose sums read convolutions that the search for losses hands out: onnxruntime's last level of optimisation
 * joins the two wrongly, and took the process down.
 */
describe.skipIf(!ZOO)(
  `what a poor result names as its losses${ZOO ? '' : ' (QUANTIZE_ZOO is not set)'}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'losses-'));
    afterAll(() => rmSync(folder, { recursive: true }));

    it.each(['cifar10_resnet_2b', 'cifar10_resnet8_mlperftiny'])('%s', async (name) => {
      const model = join(ZOO, 'models/vision', `${name}.onnx`);
      const made = [
        '-t',
        'ane',
        '-s',
        'int4-a8-perchannel',
        '--effort',
        'fast',
        '-m',
        'minmax',
        '--limit',
        '2',
      ];
      const { code, report } = await runJob([model, ...made, '-o', join(folder, `${name}.onnx`)]);
      expect(code).toBe(0);
      expect(report!.losses!.length).toBeGreaterThan(0);
    });
  },
);
