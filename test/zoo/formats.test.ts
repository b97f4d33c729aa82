import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emitQdq } from '../../src/emit/index.js';
import type { Model } from '../../src/ir/model.js';
import { loadModel } from '../../src/onnx/index.js';
import { activationsOn, makePlan, parseScheme, requiredOpset, SCHEMES } from '../../src/plan/index.js';
import { observeTypes, prepare } from '../../src/prepare/index.js';
import { quantizeNumbers } from '../../src/quantize/index.js';
import { openModel } from '../../src/runtime/index.js';
import type { Feeds } from '../../src/runtime/types.js';
import { findTarget } from '../../targets/index.js';
import { simulated } from '../emit/written.js';
import { dumpSamples } from './dump.js';
import { runJob } from './job.js';
import { first, ZOO } from './samples.js';
import { MODELS, modelFile, type ZooModel } from './zoo.js';

const work = ZOO ? mkdtempSync(join(tmpdir(), 'quantize-formats-')) : '';
afterAll(() => {
  if (work) rmSync(work, { recursive: true, force: true });
});

const zooModel = (id: string): ZooModel => MODELS.find((m) => m.id === id)!;
const cpu = findTarget('cpu')!;
const weightOnly = SCHEMES.map((s) => s.id)
  .concat('int16-float-perchannel', 'uint8-float-perchannel', 'uint16-float-perlayer')
  .filter((id) => activationsOn(parseScheme(id), cpu) === 'none');

/** Widths and twins of a family that run the code of those that are left. */
const TWINS = /^(log|pot)[35-8]|^lut[235-7]|fnuz|^tf32r|^(mx)?fp6e3m2|^mxfp8e5m2|^uint[23]/;
const families = weightOnly.filter((id) => !TWINS.test(id));
const CASES: [id: string, schemes: string[]][] = [
  ['nlp/stories260K', weightOnly],
  // It has no kind of layer that mobilenetv2 has not, so every third of them is enough.
  ['vision/squeezenet1.1', families.filter((_, i) => i % 3 === 0)],
  ['vision/mobilenetv2-7', families],
];

/** A prepared model at an opset, made once. */
class Prepared {
  private readonly byOpset = new Map<number, Promise<Model>>();
  constructor(private readonly model: ZooModel) {}

  at(opset: number): Promise<Model> {
    const known = this.byOpset.get(opset);
    if (known) return known;
    const made = prepare(loadModel(modelFile(this.model)).model, { opset }).then((p) => p.model);
    this.byOpset.set(opset, made);
    return made;
  }
}

/** The first output of a model on one sample, as bits, without optimisations. */
async function bits(model: Model, feeds: Feeds): Promise<Int32Array> {
  const session = await openModel(model, { optimize: 'disabled' });
  const [output] = Object.values(await session.run(feeds));
  await session.release();
  return new Int32Array((output.data as Float32Array).slice().buffer);
}

const WHY = ZOO ? '' : ' (QUANTIZE_ZOO is not set)';

describe.skipIf(!ZOO).each(CASES)(`%s in every weight-only format, bit for bit${WHY}`, (id, schemes) => {
  const model = zooModel(id);
  const prepared = new Prepared(model);
  let feeds: Feeds;
  beforeAll(async () => {
    for await (const sample of first(model.samples('evaluation'), 1).feeds()) feeds = sample;
  });

  it.each(schemes)('%s', async (name) => {
    const scheme = parseScheme(name);
    const float = await prepared.at(requiredOpset(scheme, cpu));
    const types = await observeTypes(float, feeds);
    const input = { model: float, types, scheme, target: cpu, keepFloat: new Set<string>() };
    const plan = makePlan(input, undefined, 'minmax', '');
    const { numbers } = quantizeNumbers(float, plan);
    expect(numbers.weights.length).toBeGreaterThan(20);
    const got = await bits(emitQdq(float, plan, numbers), feeds);
    expect(
      Buffer.from(got.buffer).equals(Buffer.from((await bits(simulated(float, numbers), feeds)).buffer)),
    ).toBe(true);
  });
});

describe.skipIf(!ZOO)(`schemes as a user runs them${WHY}`, () => {
  const samples = async (id: string): Promise<string[]> => {
    const folder = join(work, id.replaceAll('/', '_'));
    const model = zooModel(id);
    for (const set of ['calibration', 'evaluation'] as const)
      await dumpSamples(first(model.samples(set), 4), join(folder, set));
    return ['--calibration', join(folder, 'calibration'), '--evaluation', join(folder, 'evaluation')];
  };

  it.each([
    // Lowest SQNR in dB; a few below what four samples gave.
    ['nlp/stories260K', 'int8-a16-perchannel', 30],
    ['nlp/stories260K', 'int8-dynamic-perchannel', 30],
    ['nlp/stories260K', 'fp8-fp8-perchannel', 20],
    ['vision/squeezenet1.1', 'int8-dynamic-perchannel', 20],
    ['vision/squeezenet1.1', 'fp8-fp8-perchannel', 15],
    ['vision/squeezenet1.1', 'int4-a8-perchannel', 3],
    ['vision/mobilenetv2-7', 'int8-a16-perchannel', 10],
    ['vision/mobilenetv2-7', 'fp8-a8-perchannel', 5],
    ['vision/mobilenetv2-7', 'mxfp8-fp8', 5],
  ])('%s, %s', async (id, scheme, least) => {
    const out = join(work, `${scheme}.onnx`);
    const options = [...(await samples(id)), '--scheme', scheme, '--effort', 'fast', '-o', out];
    const { code, report, stderr } = await runJob([modelFile(zooModel(id)), ...options]);
    expect(code, stderr).toBe(0);
    expect(report!.metrics!.outputs[0].sqnrDb!).toBeGreaterThan(least);
    // The size that the report states is the file's, to 1 %.
    expect(Math.abs(report!.size.quantizedBytes / statSync(out).size - 1)).toBeLessThan(0.01);
  });

  it.each([
    // The network writes 67.1 % of its own next tokens at 1.189 nats.
    ['int4-block32', 0.58, 1.5],
    ['nvfp4', 0.6, 1.45],
  ])('next tokens of stories260K in %s', async (scheme, accuracy, nll) => {
    const data = join(ZOO, 'data/stories260K/self_samples_96x128_i64.bin');
    const how = ['--dtype', 'int64', '--shape', '1x128', '--scheme', scheme, '--effort', 'fast'];
    const model = modelFile(zooModel('nlp/stories260K'));
    const { code, report, stderr } = await runJob([
      model,
      '-e',
      data,
      ...how,
      '-o',
      join(work, 'tokens.onnx'),
    ]);
    expect(code, stderr).toBe(0);
    const tokens = report!.metrics!.tokens!;
    expect(tokens.positions).toBe(96 * 127);
    expect(tokens.float.nll).toBeCloseTo(1.189, 3);
    expect(tokens.float.accuracy).toBeCloseTo(0.671, 3);
    expect(tokens.quantized.accuracy).toBeGreaterThan(accuracy);
    expect(tokens.quantized.nll).toBeLessThan(nll);
  });
});
