import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METHODS } from '../../../src/calibrate/methods/index.js';
import { makeNode } from '../../../src/ir/graph.js';
import type { Model } from '../../../src/ir/model.js';
import { floatTensor } from '../../../src/ir/tensor.js';
import { saveModel } from '../../../src/onnx/index.js';
import { type Draft, firstDraft, replan } from '../../../src/pipeline/draft.js';
import { calibrationSource } from '../../../src/pipeline/samples.js';
import { openJob, typesFor } from '../../../src/pipeline/stages.js';
import { leaveGatesFloat } from '../../../src/pipeline/steps/gated.js';
import { chooseRanges } from '../../../src/pipeline/steps/ranges.js';
import { score } from '../../../src/pipeline/trial.js';
import { findTarget } from '../../../targets/index.js';
import { conv, network } from '../../plan/cases.js';
import { seeded } from '../../prepare/helpers.js';
import { npy } from '../../zoo/dump.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'known-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const DIMS = [1, 2, 8, 8];
const SAMPLES = 16;

/** The first draft of a model that reads x of DIMS. @param at value of an element, given a number in −1…1 and its place */
async function draftOf(
  name: string,
  model: Model,
  at: (u: number, i: number) => number,
  { method = 'mse', target = 'cpu', dims = DIMS }: { method?: string; target?: string; dims?: number[] } = {},
): Promise<Draft> {
  const samples = join(folder, name);
  mkdirSync(samples);
  const next = seeded(1);
  const size = dims.reduce((a, b) => a * b);
  for (let s = 0; s < SAMPLES; s++) {
    const data = Float32Array.from({ length: size }, (_, i) => at(next(), size * s + i));
    writeFileSync(join(samples, `${10 + s}.npy`), npy({ dtype: 'float32', dims, data }));
  }
  await saveModel(model, join(folder, `${name}.onnx`));
  const options = { target, scheme: 'int8-perchannel', method, calibration: [samples] };
  const job = await openJob({ ...options, model: join(folder, `${name}.onnx`) });
  const source = await calibrationSource(job);
  return firstDraft({ job, source, types: await typesFor(job.prepared, source) });
}

describe('a range by what it costs at the outputs', () => {
  it('is the best that any method has, as trying each shows: it cuts off what no output depends on', async () => {
    const model = network({
      inputs: { x: DIMS },
      nodes: [makeNode('Conv', ['x', 'w'], ['y'], [], { name: 'y' })],
      outputs: ['y'],
      initializers: [floatTensor('w', [1, 2, 1, 1], [1, 0])],
    });
    // One value of 100 in the channel that is multiplied with zero: more than the share that the percentile cuts off.
    const method = 'percentile:99.999';
    const before = await draftOf('ranges', model, (u, i) => (i === 100 ? 100 : u), { method });
    expect(before.plan.activations.map((a) => a.tensor)).toEqual(['x']);
    const after = (await chooseRanges(before))!;
    const tried = METHODS.map(({ id }) => replan(before, { method: id }));
    const scores = await Promise.all(tried.map((draft) => score(draft, before.source, SAMPLES)));
    expect(await score(after, before.source, SAMPLES)).toBeGreaterThanOrEqual(Math.max(...scores) - 0.1);
    // 200 units of ±1 against 2: a step a hundredth as wide.
    expect(after.plan.activations[0].scale).toBeLessThan(before.plan.activations[0].scale / 40);
    expect(await chooseRanges(after)).toBeUndefined();
  });

  it('is not chosen, and a percentile is refused, where only extremes were gathered', async () => {
    const model = network({ nodes: [conv('x', 'w1', 'y')], outputs: ['y'], inputs: { x: [1, 4, 8, 8] } });
    const draft = await draftOf('extremes', model, (u) => u, { method: 'minmax', dims: [1, 4, 8, 8] });
    expect(await chooseRanges(draft)).toBeUndefined();
    expect(() => replan(draft, { method: 'percentile' })).toThrow(/no histogram of "x", which percentile/);
  });
});

/** Weights [2, 2, 3, 3] with one tap, in the middle. */
const taps = (name: string, middle: number[]) =>
  floatTensor(
    name,
    [2, 2, 3, 3],
    middle.flatMap((w) => [0, 0, 0, 0, w, 0, 0, 0, 0]),
  );

describe('a value that is not rounded before its gate', () => {
  const model = network({
    inputs: { x: DIMS },
    nodes: [
      conv('x', 'w', 'a'),
      makeNode('Sigmoid', ['a'], ['g']),
      makeNode('Mul', ['a', 'g'], ['p']),
      conv('p', 'v', 'y'),
    ],
    outputs: ['y'],
    // a_c = 4·x_c − 60·x_(1−c): far more below zero than above, where x·σ(x) has next to nothing.
    initializers: [taps('w', [4, -60, -60, 4]), taps('v', [1, 0, 0, 1])],
  });

  it.each([
    ['integer', ['a', 'p', 'x']],
    ['float', ['p', 'x']],
  ] as const)(
    'is rounded before it where kernels can write nothing else: %s',
    async (kernelOutputs, left) => {
      const chip = { ...findTarget('cpu')!, id: `chip-${kernelOutputs}`, aliases: [], kernelOutputs };
      const target = join(folder, `${chip.id}.json`);
      writeFileSync(target, JSON.stringify(chip));
      const at = (u: number) => (u + 1) / 2;
      const before = await draftOf(`gates-${kernelOutputs}`, model, at, { target });
      const rounded = ({ plan }: Draft) => plan.activations.map((a) => a.tensor).sort();
      expect(rounded(before)).toEqual(['a', 'g', 'p', 'x']);
      const after = (await leaveGatesFloat(before))!;
      expect(rounded(after)).toEqual(left);
      const [was, is] = [await score(before, before.source), await score(after, before.source)];
      expect(is).toBeGreaterThan(was);
      expect(await leaveGatesFloat(after)).toBeUndefined();
    },
  );
});
