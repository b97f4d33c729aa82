import { AUGMENTATIONS } from '../../train/augment/names.js';
import type { TrainingOptions } from '../engine.js';
import { HEADINGS } from './headings.js';
import { collect, decimal, someOf, whole, words } from './parse.js';
import type { OptionSpec } from './spec.js';

/** Options of `quantize train`, and of the main job where it trains. */
export const TRAINING_OPTIONS = {
  data: {
    flags: '-d, --data <path>',
    description: 'samples to train on; without it the calibration samples; repeatable',
    group: HEADINGS.samples,
    path: true,
    parse: collect,
  },
  trainData: {
    flags: '--train-data <path>',
    description:
      'samples for --train-if-needed, or the last step of --auto; without it the calibration samples; repeatable',
    group: HEADINGS.training,
    path: true,
    parse: collect,
  },
  trainLabels: {
    flags: '--train-labels <file>',
    description: 'their right classes; without it the float model teaches',
    group: HEADINGS.training,
    path: true,
  },
  trainIfNeeded: {
    flags: '--train-if-needed',
    description: 'when a gate still fails, train the network with its rounding (`quantize train --help`)',
    group: HEADINGS.gates,
  },
  evaluationLabels: {
    flags: '--evaluation-labels <file>',
    description:
      'right classes of the evaluation samples. Without it: <model>.labels.txt, .tsv, .csv or .npy',
    group: HEADINGS.samples,
    path: true,
  },
  epochs: {
    flags: '--epochs <n>',
    description: 'passes over the samples (default: 10)',
    group: HEADINGS.training,
    parse: whole('epochs', 1),
  },
  steps: {
    flags: '--steps <n>',
    description: 'steps, instead of --epochs',
    group: HEADINGS.training,
    parse: whole('steps', 1),
  },
  lr: {
    flags: '--lr <rate>',
    attribute: 'lr',
    description:
      'largest step of a weight, relative to the weights of its tensor (default: 0.004, and less for batches below 64)',
    group: HEADINGS.training,
    parse: decimal('lr'),
  },
  scaleLr: {
    flags: '--scale-lr <rate>',
    description:
      'largest step of a scale, relative to the scale (default: 0.001, and less likewise); 0 keeps scales as they are',
    group: HEADINGS.training,
    parse: decimal('scale-lr'),
  },
  optimiser: {
    flags: '--optimiser <which>',
    description: 'Adam, or SGD with momentum (default: adam)',
    group: HEADINGS.training,
    choices: ['adam', 'sgd'],
  },
  distill: {
    flags: '--distill <share>',
    description: 'how much the float model’s opinion counts beside labels, 0 to 1 (default: 0 with labels)',
    group: HEADINGS.training,
    parse: decimal('distill'),
  },
  features: {
    flags: '--features <values>',
    description:
      'values inside the network that are to stay as in the float model, by name, or none (default: those between blocks, without labels)',
    group: HEADINGS.training,
    parse: (text: string) => (text === 'none' ? [] : words(text)),
  },
  augment: {
    flags: '--augment <how>',
    description:
      'change pictures from step to step: flip, shift, crop (enlarge a part), colour, mix (two in one); several with commas',
    group: HEADINGS.training,
    parse: someOf('augment', AUGMENTATIONS),
  },
  holdCodes: {
    flags: '--hold-codes',
    description:
      'learn scales and biases alone, for few samples: codes of weights stay as rounding left them',
    group: HEADINGS.training,
  },
  patience: {
    flags: '--patience <n>',
    description: 'epochs without gain after which training ends; 0: never (default: 0)',
    group: HEADINGS.training,
    parse: whole('patience'),
  },
  clip: {
    flags: '--clip <norm>',
    description: 'largest norm of the gradients; 0: any (default: 1)',
    group: HEADINGS.training,
    parse: decimal('clip'),
  },
  anneal: {
    flags: '--anneal <share>',
    description: 'let rounding set in over this share of the steps (default: 0)',
    group: HEADINGS.training,
    parse: decimal('anneal'),
  },
  masters: {
    flags: '--masters <format>',
    description:
      'what weights are kept in from step to step: fp32, or bf16, rounded at random so that small steps add up (default: fp32)',
    group: HEADINGS.training,
    choices: ['fp32', 'bf16'],
  },
  checkpoint: {
    flags: '--checkpoint <file>',
    description: 'written after each epoch; a run that finds it goes on from there to the same result',
    group: HEADINGS.training,
    path: true,
  },
} satisfies Record<string, OptionSpec>;

export interface TrainingOptionValues {
  data?: string[];
  trainData?: string[];
  trainLabels?: string;
  trainIfNeeded?: boolean;
  evaluationLabels?: string;
  epochs?: number;
  steps?: number;
  lr?: number;
  scaleLr?: number;
  optimiser?: 'adam' | 'sgd';
  distill?: number;
  features?: string[];
  augment?: NonNullable<TrainingOptions['augment']>;
  patience?: number;
  clip?: number;
  anneal?: number;
  checkpoint?: string;
  holdCodes?: boolean;
  masters?: 'fp32' | 'bf16';
}

/** What the options say of training; `data` and `labels` are named otherwise in the main job. */
export const trainingOf = (
  { lr, scaleLr, anneal, ...options }: TrainingOptionValues & { batch?: number },
  data: string[] | undefined,
  labels: string | undefined,
): TrainingOptions => ({
  data,
  labels,
  epochs: options.epochs,
  steps: options.steps,
  batch: options.batch,
  rate: lr,
  scaleRate: scaleLr,
  fixedScales: scaleLr === 0,
  heldCodes: options.holdCodes,
  optimiser: options.optimiser,
  distill: options.distill,
  features: options.features,
  augment: options.augment,
  patience: options.patience,
  clip: options.clip,
  annealing: anneal,
  masters: options.masters,
  checkpoint: options.checkpoint,
});
