import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MAPPED_OPERATORS } from '../../../src/emit/mlpackage/index.js';
import { buildModel, distance, random, run } from '../../prepare/opset/build.js';
import { CASES, type Case } from './cases.js';
import { packaged } from './export.js';
import { STORED, storedModel } from './stored.js';
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

  it('is listed in the documentation', () => {
    const words = new Set(readFileSync('docs/coreml.md', 'utf8').split(/[\s|`]+/));
    expect(MAPPED_OPERATORS.filter((op) => !words.has(op))).toEqual([]);
  });

  it.each([...CASES, ...WEIGHTS])('$name', async (c) => {
    expect(await gap(c, 'fp32', 17)).toBeLessThanOrEqual(FULL);
    expect(await gap(c, 'fp16', 18)).toBeLessThanOrEqual(c.half ?? HALF);
  });
});

describe('weights in tables and without their zeros', () => {
  it.each(STORED.flatMap((c) => c.ios.map((ios) => ({ ...c, ios }))))('$name for iOS $ios', async (c) => {
    const { model, stored } = storedModel({ ...c, ios: [c.ios] });
    const a = { a: random(1, 36, 2, 2) };
    const expected = await run(model, a);
    for (const [float, bound] of [
      ['fp32', FULL],
      ['fp16', HALF],
    ] as const) {
      const pack = await packaged(model, { stored, float, ios: c.ios, io: 'fp32' });
      expect(distance(expected.y, (await run(pack.readBack(), a)).y)).toBeLessThanOrEqual(bound);
      const types = pack.program.operations.map((o) => o.type).filter((t) => t.startsWith('constexpr_'));
      if (c.ios === 18) expect(types).toEqual(c.operations);
    }
  });

  it('iOS 17 refuses a table a channel, and says what takes it', async () => {
    const { model, stored } = storedModel(STORED.find((c) => c.name === 'a table a channel')!);
    await expect(packaged(model, { stored, ios: 17 })).rejects.toMatchObject({
      code: 'COREML_OPERATOR',
      hint: expect.stringContaining('--ios 18'),
    });
  });
});
