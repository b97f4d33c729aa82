import { describe, expect, it } from 'vitest';
import { makeNode } from '../../src/ir/graph.js';
import { floatTensor } from '../../src/ir/tensor.js';
import { weightLints } from '../../src/plan/lints.js';

const gemm = makeNode('Gemm', ['x', 'w'], ['y'], [], { name: 'g' });
/** [inputs, 2] with a second column of these values. */
const weight = (inputs: number, second: number) =>
  floatTensor(
    'w',
    [inputs, 2],
    Array.from({ length: 2 * inputs }, (_, i) => (i % 2 ? second : 1)),
  );
/** 127 · 255 · K reaches 2^31 from K = 66,312 on. */
const FULL = Math.ceil(2 ** 31 / (127 * 255));

describe('what a weight shows by itself', () => {
  it.each([
    ['nothing', weight(4, -0.5), []],
    ['a dead channel', weight(4, 0), ['DEAD_CHANNELS']],
    ['a sum that fits int32 just so', weight(FULL - 1, 0.5), []],
    ['a sum that does not', weight(FULL, 0.5), ['ACCUMULATOR_OVERFLOW']],
  ])('%s', (_, tensor, codes) => {
    expect(weightLints(gemm, tensor).map((d) => d.code)).toEqual(codes);
  });
  it('says nothing of operators without outputs and inputs', () => {
    expect(weightLints(makeNode('Gather', ['w', 'x'], ['y']), weight(4, 0))).toEqual([]);
  });
});
