import { expect, it } from 'vitest';
import { lossLine } from '../../src/report/training.js';
import type { Training } from '../../src/report/types.js';

const line = (losses: number[]) =>
  lossLine({ history: losses.map((loss) => ({ loss })) } as unknown as Training);

it.each([
  ['falls', [8, 7, 6, 5, 4, 3, 2, 1], 'loss 8.00 █▇▆▅▄▃▂▁ 1.00'],
  ['stays', [2, 2], 'loss 2.00 ▁▁ 2.00'],
  ['one epoch', [2], undefined],
  [
    'more epochs than columns',
    Array.from({ length: 96 }, (_, i) => (i < 48 ? 1 : 0)),
    `loss 1.00 ${'█'.repeat(24)}${'▁'.repeat(24)} 0.00`,
  ],
])('the loss in one line: %s', (_, losses, wanted) => {
  expect(line(losses)).toBe(wanted);
});
