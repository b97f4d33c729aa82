import { describe, expect, it } from 'vitest';
import { allNodes, opsetVersion } from '../../../src/ir/graph.js';
import { ADAPTERS, upgradeOpset } from '../../../src/prepare/opset/index.js';
import { buildModel, type Case, expectSame, run } from './build.js';
import { CASES } from './cases/index.js';

const TARGETS = [9, 11, 12, 13, 19, 21, 23, 25];
/** Scan's sequence_lens need operators of 13. */
const reachable = (spec: Case, to: number) =>
  to > spec.opset && to <= (spec.upTo ?? 25) && to >= (spec.downTo ?? 0);

describe('upgradeOpset keeps what a model computes', () => {
  it.each(CASES)('$name', async (spec) => {
    const model = buildModel(spec);
    const snapshot = structuredClone(model);
    const before = await run(model, spec.inputs);
    for (const to of TARGETS.filter((t) => reachable(spec, t))) {
      const upgraded = upgradeOpset(model, to).model;
      expect(opsetVersion(upgraded)).toBe(to);
      const bound = spec.tolerance && to >= spec.tolerance.from ? spec.tolerance.bound : 0;
      expectSame(before, await run(upgraded, spec.inputs), bound);
      if (to === 21) expectSame(before, await run(upgraded, spec.inputs, 'all'), bound);
    }
    expect(model, 'the input model is left alone').toEqual(snapshot);
  });

  it('has a case for every operator of every adapter', () => {
    const untested = ADAPTERS.flatMap((adapter) =>
      adapter.ops
        .filter((op) => !CASES.some((c) => c.opset < adapter.since && uses(c, op)))
        .map((op) => `${op}-${adapter.since}`),
    );
    expect(untested).toEqual([]);
  });
});

function uses(spec: Case, op: string): boolean {
  return [...allNodes(buildModel(spec).graph)].some((n) => n.opType === op);
}
