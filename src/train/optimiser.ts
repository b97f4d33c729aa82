import type { Builder } from './builder.js';
import type { GraphSettings } from './types.js';

/** Values, and what the optimiser remembers of them. */
export interface Slots {
  value: string;
  first: string;
  second: string;
}

/** Scalars that the run feeds each step. */
export interface Rates {
  /** Step size. */
  rate: string;
  /** Adam's corrections of its averages for their beginning: 1/(1 − βᵗ). */
  firstCorrection: string;
  secondCorrection: string;
}

const MOMENTUM = 0.9;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

const decayed = (b: Builder, average: string, beta: number, x: string, share: string): string =>
  b.add(b.scale(average, beta), b.mul(x, share));

/** A direction as a vector, and the number that it is to be multiplied with. */
interface Direction {
  step: string;
  gain: string;
  /** The new averages. */
  first: string;
  second: string;
}

/**
 * The direction of one step: Adam (arXiv 1412.6980), m̂/(√v̂ + ε), or SGD with momentum, m. SGD needs no second average;
 * it is handed on as it is. What multiplies all values alike is put together first, for each pass over a vector counts.
 * @param factor what the gradient is multiplied with, where it is clipped
 */
export function direction(
  b: Builder,
  kind: GraphSettings['optimiser'],
  slots: Slots,
  gradient: string,
  factor: string | undefined,
  { firstCorrection, secondCorrection }: Rates,
): Direction {
  const clip = factor ?? b.number(1);
  if (kind === 'sgd') {
    const first = decayed(b, slots.first, MOMENTUM, gradient, clip);
    return { step: first, gain: b.number(1), first, second: b.op('Identity', [slots.second]) };
  }
  const first = decayed(b, slots.first, BETA1, gradient, b.scale(clip, 1 - BETA1));
  const square = b.scale(b.mul(clip, clip), 1 - BETA2);
  const second = decayed(b, slots.second, BETA2, b.mul(gradient, gradient), square);
  const root = b.op('Sqrt', [secondCorrection]);
  const spread = b.add(b.op('Sqrt', [second]), b.div(b.number(EPSILON), root));
  return { step: b.div(first, spread), gain: b.div(firstCorrection, root), first, second };
}

/** The factor that brings the norm of all gradients together down to `most`, and the norm. */
export function clipFactor(b: Builder, gradients: string[], most: number): { factor?: string; norm: string } {
  const squares = gradients.map((g) => b.sum(b.mul(g, g), [0], false));
  const norm = b.op('Sqrt', [squares.reduce(b.add)]);
  if (most === 0) return { norm };
  const share = b.div(b.number(most), b.add(norm, b.number(EPSILON)));
  return { factor: b.op('Min', [share, b.number(1)]), norm };
}

/** Adam's corrections at step t, counted from 1. */
export const corrections = (t: number): [number, number] => [1 / (1 - BETA1 ** t), 1 / (1 - BETA2 ** t)];
