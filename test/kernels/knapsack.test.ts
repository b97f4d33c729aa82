import { describe, expect, it } from 'vitest';
import { type Choice, leastCost, leastDamage, type Selection } from '../../kernels/knapsack.js';
import { uniform } from '../../kernels/random.js';

/** Every selection there is. */
function* all(parts: readonly Choice[][]): Generator<Selection> {
  const [first, ...rest] = parts;
  if (!first) return yield { choices: [], cost: 0, damage: 0 };
  for (const tail of all(rest))
    for (const [i, { cost, damage }] of first.entries())
      yield { choices: [i, ...tail.choices], cost: cost + tail.cost, damage: damage + tail.damage };
}

const best = (parts: Choice[][], budget: number): number =>
  Math.min(...[...all(parts)].filter((s) => s.cost <= budget).map((s) => s.damage));

describe('the multiple-choice knapsack', () => {
  const two = [
    [
      { cost: 1, damage: 10 },
      { cost: 3, damage: 1 },
    ],
    [
      { cost: 1, damage: 8 },
      { cost: 4, damage: 0 },
    ],
  ];
  it.each([
    ['only the cheapest fit', 2, [0, 0], 18],
    ['one step fits: the one that gains more', 4, [1, 0], 9],
    ['either fits, the other gains less', 5, [1, 0], 9],
    ['all fit', 7, [1, 1], 1],
    ['budgets beyond all', 1e9, [1, 1], 1],
  ])('%s', (_, budget, choices, damage) =>
    expect(leastDamage(two, budget)).toMatchObject({ choices, damage }),
  );
  it('below the cheapest there is nothing', () => {
    expect(leastDamage(two, 1.99)).toBeUndefined();
    expect(leastCost(two)).toBe(2);
  });
  it('no parts cost nothing', () => expect(leastDamage([], 0)).toEqual({ choices: [], cost: 0, damage: 0 }));

  it('finds what trying everything finds: 200 random cases, whole costs with ties and broken ones', () => {
    const next = uniform(1);
    for (let round = 0; round < 200; round++) {
      const whole = round % 2 === 0;
      const parts = Array.from({ length: 1 + Math.floor(6 * next()) }, () =>
        Array.from({ length: 1 + Math.floor(4 * next()) }, () => ({
          cost: whole ? Math.floor(8 * next()) : 8 * next(),
          damage: whole ? Math.floor(8 * next()) : 8 * next() ** 4,
        })),
      );
      const most = parts.reduce((sum, p) => sum + Math.max(...p.map((c) => c.cost)), 0);
      const budget = leastCost(parts) + next() * (most - leastCost(parts));
      const found = leastDamage(parts, budget)!;
      expect(found.cost).toBeLessThanOrEqual(budget);
      expect(found.damage).toBeCloseTo(best(parts, budget), 10);
    }
  });

  it('more budget never hurts, over a network of 120 layers', () => {
    const next = uniform(2);
    const parts = Array.from({ length: 120 }, () => {
      const [size, gain] = [Math.ceil(1e5 * next() ** 3), next() ** 6];
      return [0.5, 1, 2].map((bytes, i) => ({ cost: Math.ceil(size * bytes), damage: gain * 256 ** -i }));
    });
    const least = leastCost(parts);
    const damages = [1, 1.1, 1.5, 2, 3, 4].map((factor) => leastDamage(parts, factor * least)!.damage);
    expect(damages).toEqual([...damages].sort((a, b) => b - a));
  });
});
