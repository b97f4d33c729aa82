import { dtypeNumber } from '../ir/dtypes.js';
import { makeAttribute } from '../ir/graph.js';
import type { Builder } from './builder.js';

/** Bits of bfloat16 behind the leading one, and below which exponent values lie on one grid. */
const [MANTISSA, LOWEST] = [7, -100];
/** Bits of a share of a step that are drawn: float32 holds a value of bfloat16 with as many more. */
const DRAWN = 15;
/** Shifts and factors of a mixer in which each bit of the input flips half of the output's ("lowbias32", C. Wellons, 2018). */
const MIXING = [
  [16, 0x7feb352d],
  [15, 0x846ca68b],
] as const;
const LAST_SHIFT = 16;

const cast = (b: Builder, x: string, dtype: 'float32' | 'uint32') =>
  b.op('Cast', [x], [makeAttribute.int('to', dtypeNumber(dtype))]);

/**
 * Values on the grid of bfloat16, each the upper one of its two neighbours with the probability of how near it lies to it: the
 * mean is the value itself, so updates smaller than a step add up instead of being lost (stochastic rounding; Gupta et al.,
 * arXiv 1502.02551). float32 in and out.
 * @param draw uint32 scalar, another one in each step: the same one draws the same
 */
export function roundAtRandom(b: Builder, values: string, count: number, draw: string): string {
  const size = b.op('Abs', [values]);
  const step = b.op('Pow', [b.number(2), b.sub(exponents(b, size), b.number(MANTISSA))]);
  const steps = b.op('Floor', [b.add(b.div(size, step), shares(b, count, draw))]);
  return b.mul(b.mul(steps, step), b.op('Sign', [values]));
}

/** ⌊log₂ x⌋, exactly also where the logarithm of a power of two is not. */
function exponents(b: Builder, x: string): string {
  const log2 = b.scale(b.op('Log', [x]), 1 / Math.LN2);
  const about = b.op('Max', [b.op('Floor', [log2]), b.number(LOWEST)]);
  const power = b.op('Pow', [b.number(2), about]);
  const beyond = b.op('Not', [b.less(x, b.scale(power, 2))]);
  return b.sub(b.add(about, cast(b, beyond, 'float32')), cast(b, b.less(x, power), 'float32'));
}

/** Uniform numbers in (0, 1), one a place. */
function shares(b: Builder, count: number, draw: string): string {
  const mixed = cast(b, b.op('BitShift', [bits(b, count, draw), b.uint32(32 - DRAWN)], [RIGHT]), 'float32');
  return b.scale(b.add(mixed, b.number(0.5)), 2 ** -DRAWN);
}

const RIGHT = makeAttribute.string('direction', 'RIGHT');

function bits(b: Builder, count: number, draw: string): string {
  const places = b.op(
    'Range',
    [0, count, 1].map((n) => b.integer(n)),
  );
  let mixed = b.op('BitwiseXor', [cast(b, places, 'uint32'), draw]);
  const shifted = (by: number) =>
    b.op('BitwiseXor', [mixed, b.op('BitShift', [mixed, b.uint32(by)], [RIGHT])]);
  for (const [shift, factor] of MIXING) mixed = b.mul(shifted(shift), b.uint32(factor));
  return shifted(LAST_SHIFT);
}
