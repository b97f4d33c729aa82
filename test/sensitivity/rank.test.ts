import { expect, it } from 'vitest';
import { rankCorrelation } from '../../src/sensitivity/index.js';

it.each<[string, [number, number][], number | undefined]>([
  [
    'the same order',
    [
      [1, 10],
      [2, 1000],
      [3, 1001],
    ],
    1,
  ],
  [
    'the opposite order',
    [
      [1, 3],
      [2, 2],
      [3, -7],
    ],
    -1,
  ],
  // d = 1, 1, 0, 0: 1 − 6·2 / (4·15)
  [
    'one exchange',
    [
      [1, 2],
      [2, 1],
      [3, 3],
      [4, 4],
    ],
    0.8,
  ],
  // Ranks 0.5, 0.5, 2 against 0, 1, 2.
  [
    'equal values',
    [
      [1, 1],
      [1, 2],
      [5, 3],
    ],
    Math.sqrt(0.75),
  ],
  [
    'one list constant',
    [
      [1, 1],
      [1, 2],
      [1, 3],
    ],
    undefined,
  ],
  [
    'two pairs',
    [
      [1, 1],
      [2, 2],
    ],
    undefined,
  ],
])('rank correlation: %s', (_, pairs, wanted) => {
  const found = rankCorrelation(pairs);
  if (wanted === undefined) expect(found).toBeUndefined();
  else expect(found).toBeCloseTo(wanted, 12);
});
