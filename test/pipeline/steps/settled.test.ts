import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Draft, firstDraft } from '../../../src/pipeline/draft.js';
import { calibrationSource } from '../../../src/pipeline/samples.js';
import { openJob, typesFor } from '../../../src/pipeline/stages.js';
import { roundByOutputs, roundedFor } from '../../../src/pipeline/steps/rounding.js';
import { reusable } from '../../../src/pipeline/steps/settled.js';
import { widenCostliest } from '../../../src/pipeline/steps/wide.js';
import { keepCostliestFloat } from '../../../src/pipeline/steps/worst-layers.js';
import { weightKey } from '../../../src/quantize/index.js';

let rounded: Draft;
beforeAll(async () => {
  const model = join(import.meta.dirname, '../../../fixtures/shapes.onnx');
  const options = { model, target: 'cpu', scheme: 'int4-a8-perchannel', method: 'mse', limit: 8 } as const;
  const job = await openJob(options);
  const source = await calibrationSource(job);
  const types = await typesFor(job.prepared, source);
  rounded = (await roundByOutputs(await firstDraft({ job, source, types })))!;
});

describe('weights behind a change of the plan', () => {
  it('are rounded in turn to begin with', () => {
    expect(new Set(rounded.plan.weights.map((w) => w.rounding))).toEqual(new Set(['sequential']));
  });

  it.each([
    ['activations of 16 bits', widenCostliest],
    ['the costliest layers in float', keepCostliestFloat],
  ])('are what the plan alone makes of them: %s', async (_, step) => {
    const next = (await step(rounded))!;
    expect(next.rounded).toEqual(await roundedFor(next));
    expect(next.rounded).not.toEqual(rounded.rounded);
  });

  it('stay where they were trained, where their formats do', async () => {
    const trained: Draft = { ...rounded, plan: { ...rounded.plan, trained: true } };
    const next = (await keepCostliestFloat(trained))!;
    expect(next.plan.trained).toBe(true);
    expect(next.plan.weights.length).toBeLessThan(rounded.plan.weights.length);
    for (const weight of next.plan.weights)
      expect(next.rounded!.get(weightKey(weight))).toBe(rounded.rounded!.get(weightKey(weight)));
  });

  it('stay where they are before the first change, and where nothing has changed', () => {
    const all = reusable(rounded, rounded);
    expect(all).toEqual(rounded.rounded);
    const last = rounded.plan.activations.at(-1)!;
    const activations = rounded.plan.activations.map((a) => (a === last ? { ...a, scale: 2 * a.scale } : a));
    const kept = reusable({ ...rounded, plan: { ...rounded.plan, activations } }, rounded);
    expect(kept.size).toBeGreaterThan(0);
    expect(kept.size).toBeLessThan(all.size);
    const apart = {
      ...rounded.plan,
      weights: rounded.plan.weights.map((w) => ({ ...w, rounding: 'hessian' as const })),
    };
    const before = { ...rounded, plan: apart };
    expect(reusable({ ...rounded, plan: { ...apart, activations } }, before)).toEqual(rounded.rounded);
  });
});
