import { HEADINGS } from './headings.js';
import { collect } from './parse.js';
import type { OptionSpec } from './spec.js';

/** SARIF is of lints only. */
export type Format = 'table' | 'json' | 'markdown' | 'sarif';

/** Files to write, and how much is said. */
export const OUTPUT_OPTIONS = {
  output: {
    flags: '-o, --output <file>',
    description: 'file to write, - for stdout',
    group: HEADINGS.output,
    path: true,
  },
  report: {
    flags: '--report <file>',
    description: 'also write the report, as its ending says: .html, .json or .md; may be repeated',
    group: HEADINGS.output,
    path: true,
    parse: collect,
  },
  html: {
    flags: '--html <file>',
    description: 'also write the report as one self-contained page',
    group: HEADINGS.output,
    path: true,
  },
  savePlan: {
    flags: '--save-plan <file>',
    description: 'also write the plan, with the reason of every decision',
    group: HEADINGS.output,
    path: true,
  },
  format: {
    flags: '-f, --format <format>',
    description: 'how the result is printed',
    group: HEADINGS.output,
    default: 'table',
    choices: ['table', 'json', 'markdown'],
  },
  quiet: {
    flags: '-q, --quiet',
    description: 'nothing on stderr but warnings and errors',
    group: HEADINGS.output,
  },
  verbose: {
    flags: '-v, --verbose',
    description: 'every layer, every note, and the stack of a bug',
    group: HEADINGS.output,
  },
} satisfies Record<string, OptionSpec>;

export interface OutputOptions {
  output?: string;
  report?: string[];
  html?: string;
  savePlan?: string;
  format: Format;
  quiet?: boolean;
  verbose?: boolean;
}
