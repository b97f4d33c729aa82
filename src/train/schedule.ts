import type { Pace } from './trainer.js';

export interface Schedule {
  steps: number;
  /** Largest step size, and that of scales (relative to the scale). */
  rate: number;
  scaleRate: number;
  /** Share of the steps that the rate rises for, and share at the end for which scales stay. */
  warmUp: number;
  frozenEnd: number;
  /** Share of the steps over which rounding sets in. */
  annealing: number;
}

/** Rises for the warm-up, then falls along half a cosine to 0 (arXiv 1608.03983). `step` counts from 1. */
export function paceAt(
  { steps, rate, scaleRate, warmUp, frozenEnd, annealing }: Schedule,
  step: number,
): Pace {
  const rising = Math.max(1, Math.round(warmUp * steps));
  const along = (step - rising) / Math.max(1, steps - rising);
  const level = step <= rising ? step / rising : (1 + Math.cos(Math.PI * along)) / 2;
  const frozen = step > steps * (1 - frozenEnd);
  return {
    step,
    rate: rate * level,
    scaleRate: frozen ? 0 : scaleRate * level,
    share: annealing > 0 ? Math.min(1, step / (annealing * steps)) : 1,
  };
}
