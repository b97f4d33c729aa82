import { describe, expect, it } from 'vitest';
import { MAPPED_OPERATORS } from '../../../src/emit/mlpackage/index.js';
import { buildModel, distance, run } from '../../prepare/opset/build.js';
import { CASES, type Case } from './cases.js';
import { packaged } from './export.js';
import { WEIGHTS } from './weights.js';

const model = (c: Case) => buildModel({ ...c, opset: c.opset ?? 16 });
const settings = (c: Case, float: 'fp16' | 'fp32', ios: 17 | 18) =>
  ({ ios: c.ios ?? ios, io: 'fp32', float, roundInputs: true }) as const;

/** Sums in another order, and products that onnxruntime contracts in one of the two models. */
const FULL = 1e-5;
/** A handful of roundings to float16, half a unit of 2⁻¹⁰ each. */
const HALF = 4 * 2 ** -10;

async function gap(c: Case, float: 'fp16' | 'fp32', ios: 17 | 18): Promise<number> {
  const [before, pack] = [model(c), await packaged(model(c), settings(c, float, ios))];
  const expected = await run(before, c.inputs);
  const got = await run(pack.readBack(), c.inputs);
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  return Math.max(...Object.keys(expected).map((name) => distance(expected[name], got[name])));
}

describe('every operator as a package, read back and run in onnxruntime', () => {
  it('has a case', () => {
    const covered = new Set(CASES.flatMap((c) => c.nodes.map((n) => n.opType)));
    expect(MAPPED_OPERATORS.filter((op) => !covered.has(op))).toEqual([]);
    expect(MAPPED_OPERATORS.length).toBeGreaterThanOrEqual(60);
  });

  it.each([...CASES, ...WEIGHTS])('$name', async (c) => {
    expect(await gap(c, 'fp32', 17)).toBeLessThanOrEqual(FULL);
    expect(await gap(c, 'fp16', 18)).toBeLessThanOrEqual(c.half ?? HALF);
  });
});
