import { calibrate } from '../../src/calibrate/index.js';
import type { Sample, SampleSource } from '../../src/data/types.js';
import { emitQdq } from '../../src/emit/index.js';
import type { Model } from '../../src/ir/model.js';
import { elementCount } from '../../src/ir/tensor.js';
import { candidates, makePlan } from '../../src/plan/index.js';
import type { Plan } from '../../src/plan/types.js';
import { channelMeans, quantizeNumbers } from '../../src/quantize/index.js';
import { openModel } from '../../src/runtime/index.js';
import { input } from '../plan/cases.js';
import { seeded } from '../prepare/helpers.js';

/** Normal-ish samples (sums of four uniforms) for every float input. */
export function source(inputs: Record<string, number[]>, count = 8, shift = 0): SampleSource {
  return {
    description: `${count} made samples`,
    kind: 'real',
    count,
    hash: `made-${count}-${shift}`,
    async *samples(wanted = () => true) {
      const next = seeded(count);
      for (let index = 0; index < count; index++) {
        const feeds: Sample['feeds'] = {};
        for (const [name, dims] of Object.entries(inputs)) {
          const data = Float32Array.from(
            { length: elementCount(dims) },
            () => next() + next() + next() + next() + shift,
          );
          feeds[name] = { dtype: 'float32', dims, data };
        }
        if (wanted(index)) yield { id: `made[${index}]`, index, feeds };
      }
    },
  };
}

/** calibrate → plan → quantize → emit on a prepared model. */
export async function emitted(
  model: Model,
  samples: SampleSource,
  options: { target?: string; scheme?: string; keepFloat?: string[]; correct?: boolean } = {},
): Promise<{ plan: Plan; model: Model }> {
  const given = await input(model, options);
  const tensors = candidates(given);
  const stats = tensors.length ? await calibrate(model, tensors, samples, { modelHash: 'test' }) : undefined;
  const plan = makePlan(given, stats, 'minmax', 'test');
  const means = options.correct === false ? undefined : await channelMeans(model, plan, given.types, samples);
  return { plan, model: emitQdq(model, plan, quantizeNumbers(model, plan, means).numbers) };
}

/** |Σ y' − Σ y| over the samples, summed over the channels of an output y [1, `channels`, …]: the drift of its means. */
export async function driftBetween(
  float: Model,
  rounded: Model,
  samples: SampleSource,
  channels: number,
): Promise<number> {
  const [a, b] = [await openModel(float), await openModel(rounded, { optimize: 'disabled' })];
  const sums = new Float64Array(channels);
  for await (const { feeds } of samples.samples()) {
    const [x, y] = [(await a.run(feeds)).y.data, (await b.run(feeds)).y.data] as Float32Array[];
    for (let i = 0; i < x.length; i++) sums[Math.floor((i * channels) / x.length)] += y[i] - x[i];
  }
  await Promise.all([a.release(), b.release()]);
  return sums.reduce((total, s) => total + Math.abs(s), 0);
}
