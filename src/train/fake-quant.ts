import { makeAttribute } from '../ir/graph.js';
import { FAKE_QUANTIZE, GRADIENT_SCALE, OWN } from './adjoints/fake-quant.js';
import type { Rounder } from './grids.js';
import type { Tape } from './tape.js';

export interface FakeQuant {
  grid: Rounder;
  /** Values and codes on one side of zero, for the size of the scale's gradient: 1/√(values · codes). */
  values: number;
  codes: number;
  /** Graph input: the share of rounding that takes effect. */
  share?: string;
}

/** y = s·Q(x/s), or x + a·(s·Q(x/s) − x) while rounding sets in. `scale` broadcasts to x. Returns y. */
export function fakeQuantize(tape: Tape, x: string, scale: string, q: FakeQuant): string {
  const { b } = tape;
  const { value, inside } = q.grid(b, b.div(x, scale));
  const rounded = b.mul(value, scale);
  const y = q.share === undefined ? rounded : b.add(x, b.mul(q.share, b.sub(rounded, x)));
  tape.sizes.set(y, tape.dims(x));
  const factor = makeAttribute.float(GRADIENT_SCALE, 1 / Math.sqrt(q.values * q.codes));
  tape.mark(FAKE_QUANTIZE, OWN, [x, scale, inside, rounded], y, [factor]);
  return y;
}
