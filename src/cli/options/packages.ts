import type { JobOptions } from '../engine.js';
import { HEADINGS } from './headings.js';
import { decimal, oneOf } from './parse.js';
import type { OptionSpec } from './spec.js';

/** Options of packages, for the commands that can write one. */
export const PACKAGE_OPTIONS = {
  package: {
    flags: '--package <path>',
    description: 'also write the chip’s own package: a path that ends in .mlpackage or .savedmodel',
    group: HEADINGS.packages,
    path: true,
  },
  to: {
    flags: '--to <format>',
    description: 'the form to make; default: as the ending of --output says',
    group: HEADINGS.packages,
    source: 'packages',
  },
  ios: {
    flags: '--ios <release>',
    description: 'lowest iOS that loads the package, 17 or 18 (default 18); 4-bit weights and blocks need 18',
    group: HEADINGS.packages,
    parse: oneOf('ios', [17, 18]),
  },
  io: {
    flags: '--io <type>',
    description: 'float type of a Core ML package’s inputs and outputs (default fp16)',
    group: HEADINGS.packages,
    choices: ['fp16', 'fp32'],
  },
  compute: {
    flags: '--compute <type>',
    description: 'what float products of a SavedModel are computed in (default bf16)',
    group: HEADINGS.packages,
    choices: ['bf16', 'fp32'],
  },
  dynamicBatch: {
    flags: '--dynamic-batch',
    description: 'let a SavedModel take batches of any size',
    group: HEADINGS.packages,
  },
  image: {
    flags: '--image',
    description:
      'let a Core ML package take pictures, with scale, mean and std of the preprocessing inside it',
    group: HEADINGS.packages,
  },
  failOnFallback: {
    flags: '--fail-on-fallback <percent>',
    description: 'most of the work, in percent, that may fall off the Neural Engine',
    group: HEADINGS.gates,
    parse: decimal('fail-on-fallback'),
  },
} satisfies Record<string, OptionSpec>;

/** Their values; absent ones are undefined. */
export interface PackageOptions
  extends Pick<
    JobOptions,
    'package' | 'ios' | 'io' | 'compute' | 'dynamicBatch' | 'image' | 'failOnFallback'
  > {
  to?: string;
}
