import { HEADINGS } from './headings.js';
import { collect } from './parse.js';
import type { OptionSpec } from './spec.js';

/** For which chip, in which formats, and what stays as it is. */
export const MAKING_OPTIONS = {
  target: {
    flags: '-t, --target <chip>',
    description: 'the chip, or a JSON file that describes your own',
    group: HEADINGS.make,
    default: 'cpu',
    source: 'targets',
  },
  scheme: {
    flags: '-s, --scheme <scheme>',
    description: '<weights>[-<activations>]-<granularity>',
    group: HEADINGS.make,
    default: 'int8-perchannel',
    source: 'schemes',
  },
  method: {
    flags: '-m, --method <method>',
    description: 'how ranges of activations are chosen',
    group: HEADINGS.make,
    default: 'mse',
    source: 'methods',
  },
  symmetric: {
    flags: '--symmetric',
    description: 'centre every grid on zero (no zero points), even where the chip takes them',
    group: HEADINGS.make,
  },
  noSymmetric: {
    flags: '--no-symmetric',
    description: 'use zero points, even where the chip’s own default is none',
    group: HEADINGS.make,
  },
  keepFloat: {
    flags: '--keep-float <what>',
    description: 'leave a node in float: its name, a /regex/, or an operator type; repeatable',
    group: HEADINGS.make,
    parse: collect,
  },
} satisfies Record<string, OptionSpec>;

export interface MakingOptions {
  target: string;
  scheme: string;
  method: string;
  symmetric?: boolean;
  keepFloat?: string[];
}
