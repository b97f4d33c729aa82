import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SampleSource } from '../../src/data/types.js';
import { compareInteger } from '../../src/integer/index.js';
import { loadModel } from '../../src/onnx/index.js';
import { dumpSamples } from './dump.js';
import { runJob } from './job.js';
import { ZOO, type ZooSamples } from './samples.js';
import { MODELS, modelFile } from './zoo.js';

const LIMIT = 2;
const CASES: [id: string, target: string, layers: number][] = [
  ['vision/squeezenet1.1', 'cpu', 37],
  ['vision/cifar10_resnet_4b', 'cpu', 18],
  ['vision/cifar10_resnet_2b', 'ane', 8],
];

const first = (samples: ZooSamples): ZooSamples => ({
  count: LIMIT,
  async *feeds() {
    let taken = 0;
    for await (const feeds of samples.feeds()) {
      yield feeds;
      if (++taken === LIMIT) return;
    }
  },
});

const sourceOf = (samples: ZooSamples): SampleSource => ({
  description: 'shared samples',
  kind: 'real',
  count: samples.count,
  async *samples() {
    let index = 0;
    for await (const feeds of samples.feeds()) yield { id: `${index}`, index: index++, feeds };
  },
});

describe.skipIf(!ZOO)('the integer path of real networks (QUANTIZE_ZOO names their folder)', () => {
  it.each(CASES)('%s for %s: no step that float32 rounding does not explain', async (id, target, layers) => {
    const model = MODELS.find((m) => m.id === id)!;
    const folder = mkdtempSync(join(tmpdir(), 'quantize-zoo-'));
    try {
      await dumpSamples(first(model.samples('calibration')), join(folder, 'calibration'));
      const output = join(folder, 'out.onnx');
      const { code } = await runJob([
        modelFile(model),
        '-t',
        target,
        '-c',
        join(folder, 'calibration'),
        '-o',
        output,
      ]);
      expect(code).toBe(0);
      const source = sourceOf(first(model.samples('evaluation')));
      const found = await compareInteger({ model: loadModel(output).model, source, limit: LIMIT });
      expect(found.layers).toHaveLength(layers);
      for (const { node, qdq, qlinear, accumulator } of found.layers) {
        expect([qdq.unexplained, qlinear.unexplained], node).toEqual([0, 0]);
        expect(Math.max(qdq.maxSteps, qlinear.maxSteps), node).toBeLessThanOrEqual(1);
        if (accumulator) expect(accumulator.reached, node).toBeLessThanOrEqual(accumulator.bound);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
