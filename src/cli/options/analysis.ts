import { RUNTIMES, type Runtime } from '../../lint/runtimes.js';
import { HEADINGS } from './headings.js';
import type { OptionSpec } from './spec.js';

/** What commands that look at a model show of it. */
export const ANALYSIS_OPTIONS = {
  formats: {
    flags: '--formats',
    description: 'what each number format would make of the model’s own weights',
    group: HEADINGS.output,
  },
  roundingBias: {
    flags: '--rounding',
    attribute: 'rounding',
    description: 'how far each way of rounding shifts the weights',
    group: HEADINGS.output,
  },
  svg: {
    flags: '--svg <file>',
    description: 'also draw --formats: bits against signal to noise, and how the weights lie',
    group: HEADINGS.output,
    path: true,
  },
  for: {
    flags: '--for <runtime>',
    description: 'whose reading of the model',
    group: HEADINGS.output,
    default: 'tensorrt',
    choices: RUNTIMES.map((row) => row.id),
  },
  integer: {
    flags: '--integer',
    description: 'also compute <b> in integers as a chip does, and compare each layer with onnxruntime',
    group: HEADINGS.output,
  },
  show: {
    flags: '--show <chip>',
    description: 'every figure of one chip with its source',
    group: HEADINGS.output,
    source: 'targets',
  },
} satisfies Record<string, OptionSpec>;

export interface AnalysisOptions {
  formats?: boolean;
  roundingBias?: boolean;
  svg?: string;
  for: Runtime;
  integer?: boolean;
  show?: string;
}
