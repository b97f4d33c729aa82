import type { Augmentation } from '../../train/index.js';

/** How a network is trained. */
export interface TrainingOptions {
  /** Samples to train on; the calibration samples otherwise. */
  data?: string[];
  /** File of class indices for them; the float model alone teaches otherwise. */
  labels?: string;
  /** Passes over the samples, or steps; the first default is 10 epochs. */
  epochs?: number;
  steps?: number;
  /** Samples a step; by default as many as make about a million input values, 8 to 64. */
  batch?: number;
  /** Largest step size, and that of scales relative to the scale. */
  rate?: number;
  scaleRate?: number;
  optimiser?: 'adam' | 'sgd';
  /** How much the float model's opinion counts beside labels, 0…1. */
  distill?: number;
  /** Values that are to stay as the float model has them; by default, where it teaches alone, those between blocks. */
  features?: string[];
  augment?: Augmentation[];
  /** Epochs without gain after which training ends; 0: never. */
  patience?: number;
  /** Largest norm of the gradients; 0: any. */
  clip?: number;
  /** Share of the steps over which rounding sets in. */
  annealing?: number;
  fixedScales?: boolean;
  /** What weights are kept in from step to step; bfloat16 is rounded to at random. */
  masters?: 'fp32' | 'bf16';
  /** Codes of weights stay as rounding left them; scales and biases learn. */
  heldCodes?: boolean;
  /** File that is written after each epoch, and gone on from where it is there. */
  checkpoint?: string;
}

export const TRAINING_DEFAULTS = {
  epochs: 10,
  /** For batches of so many. */
  batch: 64,
  rate: 4e-3,
  scaleRate: 1e-3,
  optimiser: 'adam',
  patience: 0,
  clip: 1,
  annealing: 0,
} as const;
