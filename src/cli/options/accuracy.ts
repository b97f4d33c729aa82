import { HEADINGS } from './headings.js';
import { budget, collect, decimal, words } from './parse.js';
import type { OptionSpec } from './spec.js';

/** How much is tried to lose less accuracy, and how little may be lost. */
export const ACCURACY_OPTIONS = {
  effort: {
    flags: '--effort <effort>',
    description: 'how much is tried to lose less accuracy: nothing; what pays; everything',
    group: HEADINGS.make,
    default: 'balanced',
    choices: ['fast', 'balanced', 'max'],
  },
  auto: {
    flags: '--auto',
    description: 'when a gate fails, try more until it passes; the costliest layers stay in float at last',
    group: HEADINGS.gates,
  },
  candidates: {
    flags: '--candidates <formats>',
    description:
      'formats of weights to try, such as int4,int4-block32,int8,int16; of a mixed scheme, to choose from',
    group: HEADINGS.make,
    parse: words,
  },
  fisher: {
    flags: '--fisher',
    description:
      'also forecast the damage of weights from their gradients (Fisher information): a backward pass a sample',
    group: HEADINGS.make,
  },
  budget: {
    flags: '--budget <what>',
    description:
      'of --scheme mixed: size=40% of the float file, size=2.5M, latency=3ms, energy=0.5mJ on the target; without it the smallest model that passes --max-accuracy-drop',
    group: HEADINGS.make,
    parse: budget,
  },
  front: {
    flags: '--front <file>',
    description: 'what other budgets of a mixed scheme would buy, as .csv or .svg; may be repeated',
    group: HEADINGS.output,
    path: true,
    parse: collect,
  },
  maxAccuracyDrop: {
    flags: '--max-accuracy-drop <points>',
    description: 'most points of top-1 accuracy to lose; needs --labels',
    group: HEADINGS.gates,
    parse: decimal('max-accuracy-drop'),
  },
  minSqnr: {
    flags: '--min-sqnr <dB>',
    description: 'least signal to quantization-noise ratio of every output',
    group: HEADINGS.gates,
    parse: decimal('min-sqnr', Number.NEGATIVE_INFINITY),
  },
  keep: { flags: '--keep', description: 'write the model even when a gate fails', group: HEADINGS.gates },
} satisfies Record<string, OptionSpec>;

export interface AccuracyOptions {
  effort?: 'fast' | 'balanced' | 'max';
  auto?: boolean;
  candidates?: string[];
  fisher?: boolean;
  budget?: { of: 'size' | 'latency' | 'energy'; value: number; share: boolean };
  front?: string[];
  maxAccuracyDrop?: number;
  minSqnr?: number;
  keep?: boolean;
}
