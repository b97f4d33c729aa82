import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decide } from '../../src/pipeline/decide.js';
import type { JobOptions } from '../../src/pipeline/options.js';
import { produce } from '../../src/pipeline/produce.js';
import { openJob } from '../../src/pipeline/stages.js';
import { trainedDraft } from '../../src/pipeline/training/finish.js';
import { sized } from '../../src/pipeline/training/sizes.js';
import { startOf, withConstants } from '../../src/pipeline/training/start.js';
import { train } from '../../src/pipeline.js';
import { openModel } from '../../src/runtime/index.js';
import {
  Batches,
  goalOf,
  layoutOf,
  openEvaluator,
  openTrainer,
  type Problem,
  quantizersOf,
} from '../../src/train/index.js';

const BATCH = 16;
const FIXTURES = join(import.meta.dirname, '../../fixtures');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'train-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const job = (options: Partial<JobOptions> = {}): JobOptions => ({
  model: join(FIXTURES, 'shapes.onnx'),
  target: 'ane',
  scheme: 'int4-a4-perchannel',
  method: 'mse',
  effort: 'fast',
  limit: 24,
  threads: 1,
  seed: 3,
  evaluation: [join(FIXTURES, 'shapes.calibration')],
  ...options,
});

describe('training', () => {
  it('gives the same for the same seed, also when it is stopped and gone on with', async () => {
    const run = async (name: string, options: Partial<JobOptions>, checkpoint?: string) => {
      const output = join(folder, name);
      const { report } = await train(
        job({ ...options, output, training: { steps: 6, batch: 8, rate: 3e-4, checkpoint } }),
      );
      return { bytes: readFileSync(output), training: report.training! };
    };
    const whole = await run('whole.onnx', {});
    const checkpoint = join(folder, 'run.checkpoint');
    const stop = new AbortController();
    const onProgress: JobOptions['onProgress'] = ({ stage, done }) => {
      if (stage === 'train' && done === 4) stop.abort();
    };
    await expect(run('stopped.onnx', { onProgress, signal: stop.signal }, checkpoint)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    const resumed = await run('resumed.onnx', {}, checkpoint);
    expect(resumed.bytes.equals(whole.bytes)).toBe(true);
    expect(resumed.training.history).toEqual(whole.training.history);
    const { history } = whole.training;
    expect(history.map((h) => h.step)).toEqual([3, 6]);
    await expect(run('other.onnx', { seed: 4 }, checkpoint)).rejects.toMatchObject({
      code: 'CHECKPOINT_OTHER',
    });
  });

  it.each([
    ['int4-a4-perchannel'],
    ['int8-perlayer'],
    ['int3-a3-perchannel'],
    ['int4-block32'],
    ['fp8-perchannel'],
  ])('%s: the graph that is trained computes what the quantized model computes', async (scheme) => {
    const target = scheme.startsWith('fp8') ? 'h100' : 'cpu';
    const { draft } = await decide(await openJob(job({ scheme, target })));
    const feeds = await new Batches(draft.source).feeds(Array.from({ length: BATCH }, (_, i) => i));
    const one = await new Batches(draft.source).feeds([0]);
    const fixed = await sized(draft.job.prepared, one, BATCH);
    const { weights, constants } = startOf(draft);
    const { terms, classes } = goalOf(fixed.model, fixed.dims, []);
    const problem: Problem = {
      model: withConstants(fixed.model, constants),
      dims: fixed.dims,
      quantized: { plan: draft.plan, weights },
      terms,
      settings: { optimiser: 'adam', learnScales: true, clip: 1, annealing: false },
    };
    const [trainer, evaluator] = [
      await openTrainer(problem, 1),
      await openEvaluator(problem, [classes!.value], 1),
    ];
    const wanted = {
      dtype: 'float32' as const,
      dims: [BATCH, 10],
      data: new Float32Array(10 * BATCH).fill(0.1),
    };
    const seen = await evaluator.run({ ...feeds, [terms[0].target]: wanted }, trainer.state);
    const quantizers = quantizersOf(problem);
    const { runs } = await produce(
      trainedDraft(draft, trainer.state, layoutOf(problem, quantizers), quantizers),
    );
    const session = await openModel(runs, { threads: 1, keepQdq: true });
    const integer = Object.values(await session.run(feeds))[0].data as Float32Array;
    await Promise.all([session.release(), evaluator.release(), trainer.release()]);
    const simulated = seen[classes!.value].data as Float32Array;
    const apart = integer.map((v, i) => Math.abs(v - simulated[i]));
    expect(Math.max(...apart)).toBeLessThan(1);
  });
});
