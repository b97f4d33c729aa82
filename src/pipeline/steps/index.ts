import type { Draft } from '../draft.js';
import { mixBits, mixFormats } from '../mixed/index.js';
import type { JobOptions } from '../options.js';
import { correctBiases, correctInTurn } from './biases.js';
import { reconstructBlocks } from './blocks.js';
import { leaveGatesFloat } from './gated.js';
import { narrowRanges } from './half-quadratic.js';
import { chooseRanges } from './ranges.js';
import { absorbBiases, addGains, equalize, evenGates, scaleByInputs } from './rescaling.js';
import { roundApart, roundByOutputs } from './rounding.js';
import { widenCostliest } from './wide.js';
import { keepCostliestFloat } from './worst-layers.js';

export const EFFORTS = ['fast', 'balanced', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

/** Something that may make a draft better. It is tried on a few calibration samples and kept where it gains. */
export interface Step {
  id: string;
  /** What it does, as reports say it. */
  description: string;
  /** The least effort that tries it; `mixed`: schemes of many formats; `auto`: only a gate that fails has it tried. */
  effort: Effort | 'auto' | 'mixed';
  /** Decibels that it must bring to be kept, for what it costs on the chip; 0 by default. */
  worthDb?: number;
  /** Nothing to do where the worst output has as many decibels or more. */
  below?: number;
  /** Kept whatever the trial says: what an earlier step fitted to few samples can look better there than it is. */
  certain?: boolean;
  /** What it finds does not fit into a plan file, so `quantize plan` goes without. */
  beyondPlans?: boolean;
  /** With `--auto`: taken again and again while there is something to do and the gate fails. */
  repeats?: boolean;
  /** What it was done to, for reports. */
  changed?(draft: Draft): string[];
  /** The draft with this step taken; undefined where there is nothing to do. */
  attempt(draft: Draft): Promise<Draft | undefined>;
}

/** In the order in which they are tried: later ones build on what earlier ones left. */
export const STEPS: readonly Step[] = [
  {
    id: 'absorb',
    description: 'what biases lift whole channels by, moved to the biases behind',
    effort: 'balanced',
    worthDb: 0.1,
    attempt: absorbBiases,
  },
  {
    id: 'equalize',
    description: 'channels rescaled so that those of one scale have even ranges',
    effort: 'balanced',
    attempt: equalize,
  },
  {
    id: 'even-gates',
    description: 'channels in front of gates (SiLU) multiplied before they are rounded, divided behind',
    effort: 'balanced',
    below: 15,
    worthDb: 2,
    attempt: evenGates,
  },
  {
    id: 'gates',
    description: 'gates (SiLU) multiplied in float with the values that they are made of',
    effort: 'balanced',
    worthDb: 2,
    attempt: leaveGatesFloat,
  },
  {
    id: 'gain',
    description: 'channels behind nonlinear operators multiplied before they are rounded',
    effort: 'balanced',
    worthDb: 1,
    attempt: addGains,
  },
  {
    id: 'ranges',
    description: 'each range by what it costs at the outputs of the network',
    effort: 'max',
    attempt: chooseRanges,
  },
  {
    id: 'mixed',
    description: 'each layer in the format that the budget is best spent on',
    effort: 'mixed',
    certain: true,
    attempt: mixFormats,
  },
  {
    id: 'rounding',
    description: 'weights rounded together, so that the outputs of their layers err least',
    effort: 'balanced',
    attempt: roundByOutputs,
  },
  {
    id: 'rounding-apart',
    description: 'weights of each layer rounded together, by themselves',
    effort: 'max',
    attempt: roundApart,
  },
  {
    id: 'awq',
    description: 'weights of loud inputs scaled up before they are rounded',
    effort: 'balanced',
    attempt: scaleByInputs,
  },
  {
    id: 'hqq',
    description: 'ranges of weights that no samples speak of, with the least of their own errors',
    effort: 'balanced',
    attempt: narrowRanges,
  },
  {
    id: 'bias',
    description: 'the drift of rounding taken out of the biases',
    effort: 'balanced',
    attempt: correctBiases,
  },
  {
    id: 'bias-in-turn',
    description: 'the drift of the network up to each layer taken out of its biases',
    effort: 'max',
    attempt: correctInTurn,
  },
  {
    id: 'blocks',
    description: 'scales, biases and narrow codes of each block trained for what the block makes',
    effort: 'max',
    beyondPlans: true,
    attempt: reconstructBlocks,
  },
  {
    id: 'wide',
    description: 'the costliest activations in 16 bits',
    effort: 'auto',
    repeats: true,
    changed: ({ wide }) => wide?.groups.slice(0, wide.count).flatMap((g) => g.tensors) ?? [],
    attempt: widenCostliest,
  },
  {
    id: 'float',
    description: 'the costliest layers kept in float',
    effort: 'auto',
    certain: true,
    repeats: true,
    changed: ({ costs }) => costs?.layers.slice(0, costs.float) ?? [],
    attempt: keepCostliestFloat,
  },
  {
    id: 'more-bits',
    description: 'weights of more bits, where they help the most for their bytes',
    effort: 'auto',
    certain: true,
    attempt: mixBits,
  },
];

/** The steps that a run takes whatever the gates say, and those that only a gate that fails has taken. */
export function stepsFor({
  effort = 'balanced',
  method,
  scheme,
}: Pick<JobOptions, 'effort' | 'method'> & Partial<Pick<JobOptions, 'scheme'>>) {
  const wanted = ({ id, effort: least }: Step) =>
    (id === 'ranges' && method === 'auto') ||
    (least !== 'auto' && least !== 'mixed' && EFFORTS.indexOf(least) <= EFFORTS.indexOf(effort)) ||
    (least === 'mixed' && scheme?.startsWith('mixed') === true);
  return { first: STEPS.filter(wanted), climb: STEPS.filter((step) => !wanted(step)) };
}
