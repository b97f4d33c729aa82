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

const decayed = (b: Builder, average: string, beta: number, x: string, share: number): string =>
  b.add(b.scale(average, beta), b.scale(x, share));

/**
 * The direction of one step and the new averages: Adam (arXiv 1412.6980), m̂/(√v̂ + ε), or SGD with momentum, m. SGD
 * needs no second average; it is handed on as it is.
 */
export function direction(
  b: Builder,
  kind: GraphSettings['optimiser'],
  slots: Slots,
  gradient: string,
  { firstCorrection, secondCorrection }: Rates,
): { step: string; first: string; second: string } {
  if (kind === 'sgd') {
    const first = decayed(b, slots.first, MOMENTUM, gradient, 1);
    return { step: first, first, second: b.op('Identity', [slots.second]) };
  }
  const first = decayed(b, slots.first, BETA1, gradient, 1 - BETA1);
  const second = decayed(b, slots.second, BETA2, b.mul(gradient, gradient), 1 - BETA2);
  const spread = b.add(b.op('Sqrt', [b.mul(second, secondCorrection)]), b.number(EPSILON));
  return { step: b.div(b.mul(first, firstCorrection), spread), first, second };
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
