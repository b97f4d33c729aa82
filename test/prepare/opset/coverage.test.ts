import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ADAPTERS } from '../../../src/prepare/opset/index.js';
import { UNCHANGED } from '../../../src/prepare/opset/unchanged.js';
import { HIGHEST_TARGET } from '../../../src/prepare/opset/versions.js';

/**
 * history.json lists the versions of every operator of the standard domain. It is made from the `onnx` package:
 *
 *     from onnx.defs import get_all_schemas_with_history
 *     for s in get_all_schemas_with_history():
 *         if s.domain == "": history.setdefault(s.name, set()).add(s.since_version)
 */
const history: Record<string, number[]> = JSON.parse(
  readFileSync(new URL('./history.json', import.meta.url), 'utf8'),
);

/** Below 10 these exist in onnxruntime only, in the standard domain. */
const EXPERIMENTAL = [
  'Affine',
  'Crop',
  'DynamicSlice',
  'ImageScaler',
  'ParametricSoftplus',
  'Scale',
  'ScaledTanh',
];

const adapted = ADAPTERS.flatMap((a) => a.ops.map((op) => `${op}@${a.since}`));
const unchanged = UNCHANGED.flatMap((row) =>
  row.ops.split(/\s+/).flatMap((entry) => {
    const [op, versions] = entry.split('@');
    return versions.split(',').map((v) => `${op}@${v}`);
  }),
);

describe('the table against the history of the standard', () => {
  const changes = Object.entries(history).flatMap(([op, versions]) =>
    versions.filter((v, i) => i > 0 && v >= 8 && v <= HIGHEST_TARGET).map((v) => `${op}@${v}`),
  );
  const known = new Set([...adapted, ...unchanged]);

  it('covers every change of every operator', () => {
    expect(changes.length).toBeGreaterThan(300);
    expect(changes.filter((change) => !known.has(change))).toEqual([]);
  });

  it('names no change that the standard does not have', () => {
    const real = new Set([...changes, 'ThresholdedRelu@10', 'MeanVarianceNormalization@9']);
    const invented = [...known].filter((c) => !real.has(c) && !EXPERIMENTAL.includes(c.split('@')[0]));
    expect(invented).toEqual([]);
  });

  it('says one thing only about each change', () => {
    const all = [...adapted, ...unchanged];
    expect(all.filter((change, i) => all.indexOf(change) !== i)).toEqual([]);
  });
});
