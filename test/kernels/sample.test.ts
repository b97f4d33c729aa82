import { describe, expect, it } from 'vitest';
import { type BlockShape, blockShape, scaleCount } from '../../kernels/blocks.js';
import { groupExtremes } from '../../kernels/params.js';
import { sampleGroups } from '../../kernels/sample.js';
import { normals } from './values.js';

const sample = (shape: BlockShape, most: number) => {
  const values = normals(shape.outer * shape.channels * shape.inner, 3);
  return { values, found: sampleGroups(values, shape, most) };
};

describe('sampleGroups', () => {
  const shapes: [string, BlockShape, most: number, kept: number][] = [
    ['nothing to leave out', blockShape([4, 8], 0), 32, 32],
    ['channels of the first axis', blockShape([100, 8], 0), 80, 80],
    ['channels of the last axis', blockShape([8, 100], 1), 80, 80],
    ['channels of a middle axis', blockShape([3, 50, 4], 1), 120, 120],
    ['outer slices with blocks', blockShape([40, 64], 1, 32), 640, 640],
    ['rows of blocks', blockShape([640, 3], 0, 32), 960, 960],
    ['a short last block is left out', blockShape([70, 3], 0, 32), 96, 96],
    ['one channel at least', blockShape([5, 1000], 0), 10, 1000],
  ];
  it.each(shapes)('%s', (_, shape, most, kept) => {
    const { values, found } = sample(shape, most);
    expect(found.values).toHaveLength(kept);
    expect(found.shape.outer * found.shape.channels * found.shape.inner).toBe(kept);
    // Each group that is kept is one of the whole tensor's, complete: it has the same extremes.
    const whole = groupExtremes(values, shape);
    const part = groupExtremes(found.values, found.shape);
    expect(part.min).toHaveLength(scaleCount(found.shape));
    const pairs = new Set(Array.from(whole.min, (low, i) => `${low} ${whole.max[i]}`));
    for (const [i, low] of part.min.entries()) expect(pairs).toContain(`${low} ${part.max[i]}`);
  });

  it('keeps the extremes where one scale serves all', () => {
    const { values, found } = sample(blockShape([1000]), 100);
    expect(found.values.length).toBeGreaterThan(90);
    expect(found.values.length).toBeLessThanOrEqual(100);
    expect(found.shape).toEqual({ outer: 1, channels: 1, inner: found.values.length });
    expect(groupExtremes(found.values, found.shape)).toEqual(groupExtremes(values, blockShape([1000])));
  });
});
