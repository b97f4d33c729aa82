import { describe, expect, it } from 'vitest';
import { ADJOINTS } from '../../src/train/adjoints/index.js';
import { CASES } from './cases.js';
import { checked, gradientErrors } from './check.js';
import { randomGraph } from './random-graphs.js';

/** Central differences of 64-bit values err by about h²; those of 32-bit ones by the rounding of sums over the step. */
const TOLERANCE = { float64: 1e-6, float32: 1e-3 };
/** Standard forms whose gradient is not the slope of the value (straight-through), or that have no case of their own. */
const ELSEWHERE = ['train:FakeQuantize', 'train:RangeQuantize', 'train:Indecision', 'Dropout'];

describe('adjoints agree with differences', () => {
  it.each(Object.entries(CASES))('%s', async (_, c) => {
    const { real, errors } = await checked(c);
    for (const [input, error] of Object.entries(errors)) expect(error, input).toBeLessThan(TOLERANCE[real]);
  });

  it('every operator has a case', () => {
    const tried = new Set(Object.values(CASES).flatMap((c) => c.nodes.map((n) => n.opType)));
    const missing = ADJOINTS.map((a) => a.op).filter((op) => !tried.has(op) && !ELSEWHERE.includes(op));
    expect(missing).toEqual([]);
  });
});

describe('whole graphs', () => {
  /** Curvature adds up along a graph. */
  const WHOLE = 1e-5;

  it('50 random ones agree with differences', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const errors = await gradientErrors(randomGraph(seed), 'float64');
      for (const [input, error] of Object.entries(errors))
        expect(error, `${input} of ${seed}`).toBeLessThan(WHOLE);
    }
  });

  it('a gradient that is wrong by as little is seen', async () => {
    const errors = await gradientErrors(randomGraph(1), 'float64', 1 + 2 * WHOLE);
    expect(Math.max(...Object.values(errors))).toBeGreaterThan(WHOLE);
  });
});
