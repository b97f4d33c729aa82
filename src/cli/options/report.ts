import { HEADINGS } from './headings.js';
import { decimal, whole } from './parse.js';
import type { OptionSpec } from './spec.js';

/** Options that only a report has. */
export const REPORT_OPTIONS = {
  batch: {
    flags: '--batch <n>',
    description: 'samples of a run; default: as the model states it, 1 where it leaves it open',
    group: HEADINGS.run,
    parse: whole('batch', 1),
  },
  sequence: {
    flags: '--sequence <n>',
    description: 'tokens of a run, where the model leaves them open',
    group: HEADINGS.run,
    parse: whole('sequence', 1),
  },
  price: {
    flags: '--price <amount>',
    description: 'of a kilowatt-hour, for the cost of a million samples; default: 0.12',
    group: HEADINGS.run,
    parse: decimal('price'),
  },
  battery: {
    flags: '--battery <Wh>',
    description: 'energy of the battery; default: that of the chip’s own phone',
    group: HEADINGS.run,
    parse: decimal('battery'),
  },
  validate: {
    flags: '--validate',
    description:
      'hold the model of speed against published measurements, row by row, instead; or against those of a JSON file',
    group: HEADINGS.run,
  },
} satisfies Record<string, OptionSpec>;

export interface ReportOptions {
  batch?: number;
  sequence?: number;
  price?: number;
  battery?: number;
  validate?: boolean;
}
