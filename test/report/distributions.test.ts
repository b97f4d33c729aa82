import { describe, expect, it } from 'vitest';
import { addToHistogram, emptyHistogram } from '../../kernels/histogram.js';
import type { Stats, TensorStats } from '../../src/calibrate/types.js';
import { floatTensor, int64Tensor } from '../../src/ir/tensor.js';
import type { Plan } from '../../src/plan/types.js';
import { distributions } from '../../src/report/index.js';
import { makeModel } from '../verify/models.js';

const activation = (tensor: string, scale: number, zeroPoint: number, format = 'int8') =>
  ({ tensor, format, scale, zeroPoint, range: [0, 1], method: 'minmax', reason: '' }) as const;
const weight = (tensor: string) =>
  ({
    tensor,
    uses: [],
    format: 'int8',
    granularity: { kind: 'perlayer' },
    symmetric: true,
    weightOnly: false,
    reason: '',
  }) as const;
const planOf = (part: object) => ({ weights: [], activations: [], ...part }) as unknown as Plan;

function statsOf(name: string, values: number[]): Stats {
  const histogram = emptyHistogram();
  addToHistogram(Float32Array.from(values), histogram);
  const extremes = { min: Math.min(...values), max: Math.max(...values), count: values.length };
  const tensor = { ...histogram, ...extremes, nan: 0, inf: 0, extremes: [] } as unknown as TensorStats;
  return { tensors: new Map([[name, tensor]]) } as unknown as Stats;
}

const total = (counts: number[]) => counts.reduce((a, b) => a + b, 0);

describe('weights', () => {
  const of = (tensors: ReturnType<typeof floatTensor>[]) =>
    distributions(makeModel([], [], [], tensors), planOf({ weights: tensors.map((t) => weight(t.name!)) }));

  it('are counted in equal bins over what they span', () => {
    const [d] = of([floatTensor('w', [4], [-1, 0, 0, 1])]);
    expect(d).toMatchObject({ tensor: 'w', kind: 'weight', from: -1, to: 1 });
    expect([d.counts[0], d.counts[d.counts.length / 2], d.counts.at(-1), total(d.counts)]).toEqual([
      1, 2, 1, 4,
    ]);
  });

  it('are sampled when there are many', () => {
    const [d] = of([
      floatTensor(
        'w',
        [300_000],
        Array.from({ length: 300_000 }, (_, i) => i),
      ),
    ]);
    expect(total(d.counts)).toBe(60_000);
  });

  it.each([
    ['all the same', floatTensor('w', [3], [2, 2, 2])],
    ['not finite', floatTensor('w', [2], [1, Number.POSITIVE_INFINITY])],
    ['integers', int64Tensor('w', [2], [1, 2])],
    [
      'without their bytes',
      {
        ...floatTensor('w', [2], [1, 2]),
        external: { file: '', offset: 0, length: 8, absent: true as const, read: () => new Uint8Array() },
      },
    ],
  ])('have none: %s', (_, tensor) => expect(of([tensor])).toEqual([]));
});

describe('activations', () => {
  const of = (values: number[], planned: ReturnType<typeof activation>) =>
    distributions(makeModel([], [], []), planOf({ activations: [planned] }), statsOf('x', values))[0];

  it('take their counts from the statistics, and the ends of their grid from the plan', () => {
    const d = of([-1, -0.5, 0, 0.25, 3], activation('x', 0.01, -28));
    expect(d).toMatchObject({ kind: 'activation', from: -1, to: 3, clip: [-1, 1.55] });
    expect(total(d.counts)).toBe(5);
    expect(d.clipped).toBeCloseTo(0.2, 10);
  });

  it('clip nothing inside the grid', () => expect(of([0, 1, 2], activation('x', 0.1, 0)).clipped).toBe(0));

  it('of a float format end at its largest value', () =>
    expect(of([0, 1], activation('x', 2, 0, 'fp8')).clip).toEqual([-896, 896]));

  it('have none without statistics', () =>
    expect(distributions(makeModel([], [], []), planOf({ activations: [activation('x', 1, 0)] }))).toEqual(
      [],
    ));
});
