import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/ir/model.js';
import { floatTensor, floatValues } from '../../src/ir/tensor.js';
import { loadModel } from '../../src/onnx/index.js';
import { decide } from '../../src/pipeline/decide.js';
import type { JobOptions } from '../../src/pipeline/options.js';
import { produce } from '../../src/pipeline/produce.js';
import { openJob } from '../../src/pipeline/stages.js';
import { trainDraft } from '../../src/pipeline/training/course.js';
import { trainedDraft } from '../../src/pipeline/training/finish.js';
import { goalFor } from '../../src/pipeline/training/goal.js';
import { heldOut, type Lessons } from '../../src/pipeline/training/samples.js';
import { sized } from '../../src/pipeline/training/sizes.js';
import { startOf, weightOn, withConstants } from '../../src/pipeline/training/start.js';
import { apply, train } from '../../src/pipeline.js';
import type { WeightPlan } from '../../src/plan/types.js';
import { weightKey } from '../../src/quantize/index.js';
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

const floatsOf = (constants: ReadonlyMap<string, Tensor>, { tensor }: WeightPlan) =>
  floatValues(constants.get(tensor)!);

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

  it('judges on samples of all classes though they lie in their order', () => {
    const { training, validation } = heldOut(300);
    expect(new Set([...training, ...validation]).size).toBe(300);
    expect(validation).toHaveLength(30);
    expect(new Set(validation.map((n) => n % 10)).size).toBeGreaterThan(7);
    expect(heldOut(100).validation).toHaveLength(16);
    expect(heldOut(20)).toEqual({ training: heldOut(20).validation, validation: heldOut(20).training });
  });

  it('is taught by the float model, whatever constants were trained before', async () => {
    const { draft } = await decide(await openJob(job({ scheme: 'int8-perchannel' })));
    const { prepared } = draft.job;
    const last = prepared.graph.nodes.find(({ outputs }) => outputs.includes('logits'))!.inputs[2];
    const bias = prepared.graph.initializers.find(({ name }) => name === last)!;
    // Ten logits more for one class than the float model gives it, which a teacher like that would find right.
    const values = floatValues(bias).map((v, i) => (i === 0 ? v + 10 : v));
    const shifted = withConstants(prepared, new Map([[last, floatTensor(last, bias.dims, values)]]));
    const lossOf = async (untrained: typeof prepared | undefined) => {
      const course = await trainDraft(
        { ...draft, job: { ...draft.job, prepared: shifted }, untrained },
        { steps: 1, batch: 8, rate: 1e-6, features: [] },
      );
      return course.trained.history[0].loss;
    };
    expect(await lossOf(prepared)).toBeGreaterThan(2 * (await lossOf(undefined)));
  });

  it('trains the float model, from labels', async () => {
    const output = join(folder, 'float.onnx');
    const [labels, data] = [join(FIXTURES, 'shapes.labels.txt'), [join(FIXTURES, 'shapes.evaluation')]];
    const training = { data, labels, steps: 6, batch: 8, rate: 1e-3 };
    const { report, plan } = await train(job({ scheme: 'fp32', output, training }));
    expect([plan.weights, plan.activations]).toEqual([[], []]);
    expect(report.training).toMatchObject({
      taught: 'labels',
      steps: 6,
      history: [{ step: 3 }, { step: 6 }],
    });
    expect(loadModel(output).model.graph.nodes.some((n) => n.opType === 'DequantizeLinear')).toBe(false);
  });

  it('learns what outputs are to be from an .npy of floats', async () => {
    const labels = join(folder, 'answers.npy');
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (24, 10), }".padEnd(117);
    const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${header}\n`, 'latin1');
    writeFileSync(
      labels,
      Buffer.concat([head, new Uint8Array(Float32Array.from({ length: 240 }, (_, i) => i % 10).buffer)]),
    );
    const training = { data: [join(FIXTURES, 'shapes.evaluation')], labels, steps: 6, batch: 8, rate: 1e-2 };
    const { report } = await train(job({ scheme: 'fp32', training }));
    const { taught, history } = report.training!;
    expect(taught).toBe('labels');
    expect(history.every((h) => h.accuracy === undefined)).toBe(true);
    expect(history[1].loss).toBeLessThan(history[0].loss);
  });

  it('refuses to apply a plan whose weights were trained', async () => {
    const { plan } = await train(job({ training: { steps: 1, batch: 8 } }));
    const file = join(folder, 'plan.json');
    writeFileSync(file, JSON.stringify(plan));
    await expect(apply(file, job())).rejects.toMatchObject({ code: 'PLAN_TRAINED' });
  });

  it('starts weights that were rounded by outputs on their codes, others at their float values', async () => {
    const { draft } = await decide(await openJob(job()));
    const [first, second] = draft.plan.weights;
    const onGrid = startOf(draft, true);
    const { values, params } = {
      values: floatsOf(onGrid.constants, first),
      params: onGrid.weights[0].params,
    };
    const rounded = new Map([[weightKey(first), weightOn(values, params)]]);
    const { constants } = startOf({ ...draft, rounded });
    expect(floatsOf(constants, first)).toEqual(values);
    expect(floatsOf(constants, second)).not.toEqual(floatsOf(onGrid.constants, second));
  });

  it('holds values between blocks where the float model teaches alone, and those that are named', async () => {
    const { prepared } = await openJob(job());
    const first = {
      image: { dtype: 'float32' as const, dims: [1, 1, 32, 32], data: new Float32Array(1024) },
    };
    const fixed = await sized(prepared, first, 4);
    const values = (labels?: number[], features?: string[]) =>
      goalFor(fixed, { labels } as Lessons, { features }).terms.map((t) => t.value);
    expect(values()).toEqual(['logits', 'down.norm', 'pointwise.norm', 'block.add']);
    expect(values([1])).toEqual(['logits']);
    expect(values(undefined, [])).toEqual(['logits']);
    expect(values([1], ['block.add'])).toEqual(['logits', 'block.add']);
    expect(() => values([1], ['no such value'])).toThrow(expect.objectContaining({ code: 'UNKNOWN_LAYER' }));
  });

  it.each([
    ['fp32 without labels', { scheme: 'fp32', training: {} }, 'TRAIN_LABELS'],
    ['less memory than it takes', { memory: 2 ** 20, training: { steps: 1 } }, 'TRAIN_MEMORY'],
  ])('refuses %s', async (_, options, code) => {
    await expect(train(job(options))).rejects.toMatchObject({ code });
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
    const trained = trainedDraft(draft, trainer.state, layoutOf(problem, quantizers), quantizers);
    expect(trained.untrained).toBe(draft.job.prepared);
    const { runs } = await produce(trained);
    const session = await openModel(runs, { threads: 1, keepQdq: true });
    const integer = Object.values(await session.run(feeds))[0].data as Float32Array;
    await Promise.all([session.release(), evaluator.release(), trainer.release()]);
    const simulated = seen[classes!.value].data as Float32Array;
    const apart = integer.map((v, i) => Math.abs(v - simulated[i]));
    expect(Math.max(...apart)).toBeLessThan(1);
  });
});
