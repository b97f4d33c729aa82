import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MAPPED_OPERATORS } from '../../../src/emit/savedmodel/index.js';
import { buildModel, distance, run } from '../../prepare/opset/build.js';
import { INTEGER_NAMES, SAVED } from './cases.js';
import { packaged } from './export.js';

/** Sums in another order. */
const FULL = 1e-5;
/** Both sides of a product rounded to 8 bits: half a unit of 2⁻⁸ each. */
const BRAIN = 2 ** -7;

async function gap(c: (typeof SAVED)[number], compute: 'f32' | 'bf16'): Promise<number> {
  const model = () => buildModel({ ...c, opset: c.opset ?? 16 });
  const expected = await run(model(), c.inputs);
  const got = await run((await packaged(model(), { compute })).readBack(), c.inputs);
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  return Math.max(...Object.keys(expected).map((name) => distance(expected[name], got[name])));
}

describe('every operator as StableHLO, read back and run in onnxruntime', () => {
  it('has a case', () => {
    const covered = new Set(SAVED.flatMap((c) => c.nodes.map((n) => n.opType)));
    expect(MAPPED_OPERATORS.filter((op) => !covered.has(op))).toEqual([]);
    expect(MAPPED_OPERATORS.length).toBeGreaterThanOrEqual(60);
  });

  it('is listed in the documentation', () => {
    const words = new Set(readFileSync('docs/tpu.md', 'utf8').split(/[\s|`]+/));
    expect(MAPPED_OPERATORS.filter((op) => !words.has(op))).toEqual([]);
  });

  it.each(SAVED)('$name', async (c) => {
    expect(await gap(c, 'f32')).toBeLessThanOrEqual(FULL);
    expect(await gap(c, 'bf16')).toBeLessThanOrEqual(BRAIN);
  });
});

describe('products of codes', () => {
  it.each(SAVED.filter((c) => INTEGER_NAMES.includes(c.name)))(
    '$name: int8, summed in int32, exact',
    async (c) => {
      const model = () => buildModel({ ...c, opset: 16 });
      const pack = await packaged(model());
      const sums = pack.lowered.program.operations.filter((o) => /convolution|dot_general/.test(o.type));
      expect(sums.map((o) => [...o.operands, ...o.results].map((v) => v.dtype))).toEqual([
        ['i8', 'i8', 'i32'],
      ]);
      expect(pack.legality.int8Macs).toBe(1);
      expect(await run(pack.readBack(), c.inputs)).toEqual(await run(model(), c.inputs));
    },
  );
});
