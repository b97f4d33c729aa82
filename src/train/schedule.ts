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
  /** How much it counts that codes are not decided, once it counts. */
  decision?: number;
}

/**
 * Codes need not be decided up to the first of these shares of the steps; from then to the second one the exponent falls from
 * sharp, which moves only what is all but decided, to blunt (AdaRound's exponents). Rates are still high enough there.
 */
const [FREE, PRESSED] = [0.2, 0.6];
const [SHARP, BLUNT] = [20, 2];

/** Rises for the warm-up, then falls along half a cosine to 0 (arXiv 1608.03983). `step` counts from 1. */
export function paceAt(
  { steps, rate, scaleRate, warmUp, frozenEnd, annealing, decision = 0 }: Schedule,
  step: number,
): Pace {
  const rising = Math.max(1, Math.round(warmUp * steps));
  const along = (step - rising) / Math.max(1, steps - rising);
  const level = step <= rising ? step / rising : (1 + Math.cos(Math.PI * along)) / 2;
  const done = (step / steps - FREE) / (PRESSED - FREE);
  const frozen = step > steps * (1 - frozenEnd);
  return {
    step,
    rate: rate * level,
    scaleRate: frozen ? 0 : scaleRate * level,
    share: annealing > 0 ? Math.min(1, step / (annealing * steps)) : 1,
    decision: {
      weight: done < 0 ? 0 : decision,
      power: BLUNT + ((SHARP - BLUNT) * (1 + Math.cos(Math.PI * Math.min(Math.max(done, 0), 1)))) / 2,
    },
  };
}
