import { describe, expect, it } from 'vitest';
import type { Dtype } from '../../src/ir/dtypes.js';
import type { Feeds, TensorValue } from '../../src/runtime/types.js';
import { TokenAccumulator } from '../../src/verify/tokens.js';

const scores = (dims: number[], values: number[]): TensorValue => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(values),
});
const ids = (dims: number[], values: number[], dtype: Dtype = 'int64'): TensorValue => ({
  dtype,
  dims,
  data: dtype === 'int64' ? BigInt64Array.from(values, BigInt) : Int32Array.from(values),
});

const metrics = (feeds: Feeds, x: TensorValue, y = x) => {
  const tokens = new TokenAccumulator('logits');
  tokens.add(feeds, x, y);
  return tokens.metrics;
};

const LN = Math.log;

describe('next-token figures, by hand', () => {
  it('three positions of three tokens: the last has no next', () => {
    // p = softmax(ln 2, ln 1, ln 1) = 1/2, 1/4, 1/4; the tokens that follow are 0 and 2.
    const row = [LN(2), 0, 0];
    const x = scores([1, 3, 3], [...row, ...row, ...row]);
    const y = scores([1, 3, 3], [0, 0, LN(2), ...row, ...row]);
    const found = metrics({ input_ids: ids([1, 3], [1, 0, 2]) }, x, y)!;
    expect(found.positions).toBe(2);
    expect(found.float.nll).toBeCloseTo((LN(2) + LN(4)) / 2, 6);
    expect(found.quantized.nll).toBeCloseTo((LN(4) + LN(4)) / 2, 6);
    expect([found.float.accuracy, found.quantized.accuracy, found.agreement]).toEqual([0.5, 0, 0.5]);
  });

  it('scores of any size: nothing overflows', () => {
    const found = metrics({ t: ids([1, 2], [0, 1], 'int32') }, scores([1, 2, 2], [1000, 0, 0, 0]))!;
    expect(found.float.nll).toBe(1000);
  });

  it.each<[string, Feeds, TensorValue]>([
    ['no integer input', { x: scores([1, 3], [1, 2, 3]) }, scores([1, 3, 4], Array(12).fill(0))],
    ['a class score', { x: ids([1, 3], [0, 1, 2]) }, scores([1, 4], [0, 0, 0, 0])],
    ['a token beyond the scores', { x: ids([1, 2], [0, 9]) }, scores([1, 2, 4], Array(8).fill(0))],
    ['another length', { x: ids([1, 3], [0, 1, 2]) }, scores([1, 2, 4], Array(8).fill(0))],
    ['one position', { x: ids([1, 1], [0]) }, scores([1, 1, 4], Array(4).fill(0))],
    [
      'two inputs that could be the tokens',
      { x: ids([1, 2], [0, 1]), mask: ids([1, 2], [1, 1]) },
      scores([1, 2, 4], Array(8).fill(0)),
    ],
  ])('%s: no language model', (_, feeds, output) => {
    expect(metrics(feeds, output)).toBeUndefined();
  });
});
