import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runJob } from './job.js';
import { ZOO } from './samples.js';

const work = ZOO ? mkdtempSync(join(tmpdir(), 'quantize-imagenet-')) : '';
afterAll(() => {
  if (work) rmSync(work, { recursive: true, force: true });
});

const data = (name: string) => join(ZOO, 'data/imagenet', name);
const WHY = ZOO ? '' : ' (QUANTIZE_ZOO is not set)';

/** The goals of the first release; the Python tool at its best reaches 93.0 % and 15.3 dB. */
const GOALS = { drop: 1, agreement: 0.93, sqnrDb: 15 };

describe.skipIf(!ZOO)(`mobilenetv2 straight from photographs${WHY}`, () => {
  it.each(['ane', 'tpu', 'cpu'])('%s, int8-perchannel', async (target) => {
    const { code, report, stderr } = await runJob([
      join(ZOO, 'models/vision/mobilenetv2-7.onnx'),
      ...['--target', target, '--scheme', 'int8-perchannel', '--preset', 'imagenet-torch'],
      ...['--calibration', data('calibration'), '--evaluation', data('evaluation')],
      ...['--labels', data('labels.tsv'), '-o', join(work, `${target}.onnx`)],
    ]);
    expect(code, stderr).toBe(0);
    const [logits] = report!.metrics!.outputs;
    expect(report!.metrics!.top1!.drop).toBeLessThanOrEqual(GOALS.drop);
    expect(logits.top1Agreement).toBeGreaterThanOrEqual(GOALS.agreement);
    expect(logits.sqnrDb).toBeGreaterThanOrEqual(GOALS.sqnrDb);
  });
});
