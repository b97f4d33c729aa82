import { describe, expect, it } from 'vitest';
import { PACKAGES, type Package, packOf } from '../../../src/emit/index.js';
import { floatTensor, floatValues } from '../../../src/ir/tensor.js';
import { differences, roundTrip, type Sized } from '../../../src/pipeline/package/round-trip.js';
import { specialize } from '../../../src/prepare/index.js';
import { source } from '../../emit/emitted.js';
import { CASES } from '../../emit/mlpackage/cases.js';
import { buildModel } from '../../prepare/opset/build.js';

const SETTINGS = { ios: 18, io: 'fp16', compute: 'bf16' } as const;
const given = CASES.find((c) => c.name === 'Q/DQ around a convolution')!;
const samples = source({ a: [1, 4, 6, 6] }, 2);

/** What the package of a model is, with the scale named `s2` times `factor`: 1 is the truth. */
function maker(id: string, factor: number) {
  const format = PACKAGES.find((p) => p.id === id)!;
  const make = ({ model, types }: Sized): Package => {
    const initializers = model.graph.initializers.map((t) =>
      t.name === 's2'
        ? floatTensor(
            's2',
            t.dims,
            floatValues(t).map((v) => v * factor),
          )
        : t,
    );
    return packOf(format)({ ...model, graph: { ...model.graph, initializers } }, types, SETTINGS);
  };
  return { format, make };
}

async function trip(id: string, factor: number) {
  const { format, make } = maker(id, factor);
  const sized = await specialize(buildModel({ ...given, opset: 16 }), { a: [1, 4, 6, 6] });
  const found = await roundTrip(format, sized, make(sized), make, samples, { model: '' } as never);
  return { found, told: differences(found, format) };
}

describe('a package against the model it was made from', () => {
  it.each(['mlpackage', 'savedmodel'])('%s: codes layer by layer, within a step', async (id) => {
    const { found, told } = await trip(id, 1);
    expect(found).toMatchObject({ samples: 2, evidence: 'samples', codes: { compared: 144 + 72 } });
    expect(found.codes!.mostSteps).toBeLessThanOrEqual(1);
    expect(told).toEqual([]);
  });

  it.each(['mlpackage', 'savedmodel'])('%s: a wrong scale is seen, and told', async (id) => {
    const { found, told } = await trip(id, 1.5);
    expect(found.codes!.mostSteps).toBeGreaterThan(5);
    expect(told).toMatchObject([{ level: 'warning', code: 'PACKAGE_DIFFERS' }]);
    expect(told[0].message).toMatch(/layer by layer, \d+ of 216 codes differ/);
  });
});
