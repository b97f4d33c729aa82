import { decimal, whole } from './parse.js';

const RUN = 'The run that is reported:';

/** Options that only a report has. */
export const REPORT_OPTIONS = {
  batch: {
    flags: '--batch <n>',
    description: 'samples of a run; default: as the model states it, 1 where it leaves it open',
    group: RUN,
    parse: whole('batch', 1),
  },
  sequence: {
    flags: '--sequence <n>',
    description: 'tokens of a run, where the model leaves them open',
    group: RUN,
    parse: whole('sequence', 1),
  },
  price: {
    flags: '--price <amount>',
    description: 'of a kilowatt-hour, for the cost of a million samples; default: 0.12',
    group: RUN,
    parse: decimal('price'),
  },
  battery: {
    flags: '--battery <Wh>',
    description: 'energy of the battery; default: that of the chip’s own phone',
    group: RUN,
    parse: decimal('battery'),
  },
  validate: {
    flags: '--validate',
    description:
      'hold the model of speed against published measurements, row by row, instead; or against those of a JSON file',
    group: RUN,
  },
};
