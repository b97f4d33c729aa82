import { describe, expect, it } from 'vitest';
import type { Model } from '../../src/ir/model.js';
import { buildModel, distance, node, random, run, tensor } from '../prepare/opset/build.js';
import type { Case } from './mlpackage/cases.js';
import { packaged as packagedForCoreml } from './mlpackage/export.js';
import { VARIANTS } from './mlpackage/variants.js';
import { packaged as packagedForTpu } from './savedmodel/export.js';
import { caseOf, together } from './together.js';

type Lowering = [
  name: string,
  make: (model: Model) => Promise<{ readBack(): Model }>,
  bound: (c: Case) => number,
];

/** Bounds as in the tests of single operators. */
const LOWERINGS: readonly Lowering[] = [
  [
    'Core ML, float32',
    (m) => packagedForCoreml(m, { ios: 17, io: 'fp32', float: 'fp32', roundInputs: true }),
    () => 1e-5,
  ],
  [
    'Core ML, float16',
    (m) => packagedForCoreml(m, { io: 'fp32', roundInputs: true }),
    (c) => c.half ?? 4 * 2 ** -10,
  ],
  ['StableHLO, float32', (m) => packagedForTpu(m, { compute: 'f32' }), () => 1e-5],
  ['StableHLO, bfloat16', (m) => packagedForTpu(m), () => 2 ** -7],
];

describe('forms of operators besides the common one, read back and run in onnxruntime', () => {
  it.each(LOWERINGS)('%s', async (_, make, bound) => {
    const far: string[] = [];
    for (const { cases, model, feeds } of together(VARIANTS)) {
      const [expected, got] = [await run(model, feeds), await run((await make(model)).readBack(), feeds)];
      for (const [name, value] of Object.entries(expected)) {
        const c = caseOf(cases, name);
        const apart = distance(value, got[name]);
        if (!(apart <= bound(c))) far.push(`${c.name}: ${apart}`);
      }
    }
    expect(far).toEqual([]);
  });
});

describe('forms that have no counterpart are refused, not approximated', () => {
  const a = { a: random(1, 2, 4, 4) };
  const sizes = tensor([4], [1, 2, 6, 6], 'int64');
  const resized = (attributes: Parameters<typeof node>[3]): Partial<Case> => ({
    nodes: [node('Resize', 'a _ _ sizes', 'y', attributes)],
    constants: { sizes },
    opset: 18,
  });
  it.each([
    ['antialias', resized({ mode: 'linear', antialias: 1 }), [/antialias/, /antialias/]],
    [
      'a cropping resize',
      resized({ mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric' }),
      [/half_pixel_symmetric/, /half_pixel_symmetric/],
    ],
    [
      'fmod',
      { nodes: [node('Mod', 'a k', 'y', { fmod: 1 })], constants: { k: tensor([], [0.75]) } },
      [/fmod/],
    ],
    [
      'the last of equals',
      { nodes: [node('ArgMax', 'a', 'y', { select_last_index: 1 })], types: { y: 'int64' } },
      [/select_last_index/],
    ],
  ] as [string, Partial<Case>, RegExp[]][])('%s', async (name, rest, [coreml, tpu]) => {
    const model = () => buildModel({ name, nodes: [], inputs: a, opset: 16, ...rest });
    await expect(packagedForCoreml(model())).rejects.toThrow(coreml);
    if (tpu) await expect(packagedForTpu(model())).rejects.toThrow(tpu);
    else await packagedForTpu(model());
  });
});
