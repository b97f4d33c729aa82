// Options that several commands share, by what they are for.
import type { OptionId } from './index.js';

export const WRITING: OptionId[] = [
  'encoding',
  'weightOnly',
  'highPrecision',
  'scaleRule',
  'sparsity',
  'rounding',
];
export const MAKE: OptionId[] = [
  'target',
  'scheme',
  'method',
  'effort',
  'symmetric',
  'noSymmetric',
  'keepFloat',
];
const PREPROCESSING: OptionId[] = [
  'preset',
  'resize',
  'crop',
  'size',
  'color',
  'scale',
  'mean',
  'std',
  'layout',
];
export const READING: OptionId[] = ['dtype', 'shape', 'dim', 'limit', 'seed', ...PREPROCESSING];
export const SAMPLES: OptionId[] = ['calibration', ...READING];
export const EVALUATION: OptionId[] = ['evaluation', 'labels'];
export const GATES: OptionId[] = ['maxAccuracyDrop', 'minSqnr', 'keep'];
/** What a package is like; a command adds where it goes. */
export const PACKAGE: OptionId[] = ['ios', 'io', 'compute', 'dynamicBatch', 'image', 'failOnFallback'];
/** All that a job on a model leaves behind. */
export const RESULTS: OptionId[] = ['output', 'package', ...PACKAGE, 'report', 'html'];
export const RESOURCES: OptionId[] = ['threads', 'memory'];
export const RUN: OptionId[] = ['batch', 'sequence', 'price', 'battery', 'validate'];
/** Of the main job, where it trains. */
export const TRAINING: OptionId[] = ['trainIfNeeded', 'trainData', 'trainLabels', 'epochs', 'steps', 'lr'];
export const TALK: OptionId[] = ['format', 'quiet', 'verbose'];
/** What a mixed scheme is chosen by. */
export const MIXED: OptionId[] = ['budget', 'candidates'];
