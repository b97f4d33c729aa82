import { describe, expect, it } from 'vitest';
import { MAPPED_OPERATORS } from '../../../src/emit/savedmodel/index.js';
import { buildModel, distance, run } from '../../prepare/opset/build.js';
import { CASES } from '../mlpackage/cases.js';
import { WEIGHTS } from '../mlpackage/weights.js';
import { packaged } from './export.js';

/** Sums in another order. */
const FULL = 1e-5;
/** Both sides of a product rounded to 8 bits: half a unit of 2⁻⁸ each. */
const BRAIN = 2 ** -7;

async function gap(c: (typeof CASES)[number], compute: 'f32' | 'bf16'): Promise<number> {
  const model = () => buildModel({ ...c, opset: c.opset ?? 16 });
  const expected = await run(model(), c.inputs);
  const got = await run((await packaged(model(), { compute })).readBack(), c.inputs);
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  return Math.max(...Object.keys(expected).map((name) => distance(expected[name], got[name])));
}

describe('every operator as StableHLO, read back and run in onnxruntime', () => {
  it('has a case', () => {
    const covered = new Set(CASES.flatMap((c) => c.nodes.map((n) => n.opType)));
    expect(MAPPED_OPERATORS.filter((op) => !covered.has(op))).toEqual([]);
    expect(MAPPED_OPERATORS.length).toBeGreaterThanOrEqual(60);
  });

  it.each([...CASES, ...WEIGHTS])('$name', async (c) => {
    expect(await gap(c, 'f32')).toBeLessThanOrEqual(FULL);
    expect(await gap(c, 'bf16')).toBeLessThanOrEqual(BRAIN);
  });
});
