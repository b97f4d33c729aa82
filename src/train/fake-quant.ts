import { makeAttribute } from '../ir/graph.js';
import { CEILING, FAKE_QUANTIZE, GRADIENT_SCALE, OWN, RANGE_QUANTIZE } from './adjoints/fake-quant.js';
import type { Rounder } from './grids.js';
import type { Tape } from './tape.js';

export interface FakeQuant {
  grid: Rounder;
  /** Values and codes on one side of zero, for the size of the scale's gradient: 1/√(values · codes). */
  values: number;
  codes: number;
  /** Graph input: the share of rounding that takes effect. */
  share?: string;
  /** What x is made of. */
  rectifier?: Rectifier;
}

/** x = max(source, 0), at most `ceiling`. */
export interface Rectifier {
  source: string;
  ceiling?: number;
}

/**
 * y = s·Q(x/s), or x + a·(s·Q(x/s) − x) while rounding sets in. `scale` broadcasts to x. Gradients go by the rectifier
 * straight to its source, with one mask for both. Returns y.
 */
export function fakeQuantize(tape: Tape, x: string, scale: string, q: FakeQuant): string {
  const { b } = tape;
  const made = q.grid(b, x, scale);
  const { rounded } = made;
  const y = q.share === undefined ? rounded : b.add(x, b.mul(q.share, b.sub(rounded, x)));
  tape.sizes.set(y, tape.dims(x));
  const factor = makeAttribute.float(GRADIENT_SCALE, 1 / Math.sqrt(q.values * q.codes));
  if ('inside' in made) tape.mark(FAKE_QUANTIZE, OWN, [x, scale, made.inside, rounded], y, [factor]);
  else {
    const { source, ceiling } = q.rectifier ?? { source: x };
    const low = q.rectifier ? b.number(0) : made.low;
    const top = ceiling === undefined ? [] : [makeAttribute.float(CEILING, ceiling)];
    tape.mark(RANGE_QUANTIZE, OWN, [source, scale, x, rounded, low, made.high], y, [factor, ...top]);
  }
  return y;
}
