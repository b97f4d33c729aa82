import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeNode } from '../../../src/ir/graph.js';
import { floatTensor } from '../../../src/ir/tensor.js';
import { apply, quantize, type Result } from '../../../src/pipeline.js';
import { encodePlan } from '../../../src/plan/index.js';
import { codeOf, folder } from '../../data/files.js';
import { type Files, files, options, rows } from '../../defects/job.js';
import { network } from '../../plan/cases.js';
import { random } from '../../prepare/helpers.js';

/** One channel lies at 40, the others around zero, and all share a scale. */
const net = network({
  nodes: [
    makeNode('Conv', ['x', 'w', 'lift'], ['a']),
    makeNode('Relu', ['a'], ['r']),
    makeNode('Conv', ['r', 'v'], ['y']),
  ],
  outputs: ['y'],
  initializers: [
    random('w', [4, 4, 1, 1]),
    floatTensor('lift', [4], [40, 0, 0, 0]),
    random('v', [4, 4, 1, 1]),
  ],
});

describe('a channel that its bias lifts', () => {
  let paths: Files;
  let result: Result;
  beforeAll(async () => {
    paths = await files(folder(), net, rows(8, [4, 6, 6]));
    result = await quantize(options(paths));
  });

  it('is lowered, which the report says, and what was kept stands in the plan', () => {
    const rung = result.report.improvements?.find(({ step }) => step === 'absorb');
    expect(rung?.kept).toBe(true);
    // A range of 42 becomes one of 4 or less: 20 dB, of which the weights' own rounding and the input's leave some.
    expect(rung!.afterDb! - rung!.beforeDb!).toBeGreaterThan(6);
    expect(result.plan.absorption).toMatchObject([{ tensor: 'a', offsets: [expect.any(Number), 0, 0, 0] }]);
    expect(result.plan.activations.find(({ tensor }) => tensor === 'r')!.range[1]).toBeLessThan(5);
  });

  it('is lowered again by the plan: the same bytes', async () => {
    const file = join(paths.root, 'plan.json');
    writeFileSync(file, encodePlan(result.plan));
    const again = join(paths.root, 'again.onnx');
    await apply(file, options(paths, { output: again }));
    expect(readFileSync(again).equals(readFileSync(paths.output))).toBe(true);
  });

  it.each([
    ['offsets that are none', { tensor: 'a', offsets: ['1'] }, 'PLAN_INVALID'],
    ['a value that gives nothing', { tensor: 'y', offsets: [1, 1, 1, 1] }, 'PLAN_MISFIT'],
  ])('a plan with %s is refused', async (_, entry, code) => {
    const file = join(paths.root, 'edited.json');
    writeFileSync(file, JSON.stringify({ ...result.plan, absorption: [{ ...entry, reason: '' }] }));
    expect(await codeOf(() => apply(file, options(paths, { output: join(paths.root, 'no.onnx') })))).toBe(
      code,
    );
  });
});
