import { inferred, measured, vendor } from './facts.js';
import { h17Ane } from './h17-ane.js';
import type { Target } from './types.js';

const APPLE = 'Apple, M4 announcement: 16-core Neural Engine, 38 TOPS';
const MADERIX = 'maderix, M4 Neural Engine benchmarks, part 4';

export const m4Ane: Target = {
  ...h17Ane,
  id: 'm4-ane',
  name: 'Apple M4 Neural Engine',
  aliases: [],
  description:
    'Macs and iPads: 16 cores, int8×int8 at twice the float16 rate; the one whose power was measured',
  peak: {
    int8: vendor(38e12, 'op/s', APPLE, '2024-05'),
    float16: inferred(
      19.4e12,
      'op/s',
      '16 cores × 256 MAC × 2 × 2.364 GHz of the compiler’s table',
      '2026-06',
    ),
  },
  utilisation: {
    int8: measured(0.95, 'share', `${MADERIX}: 36.01 TOPS`, '2026-06'),
    float16: measured(0.97, 'share', `${MADERIX}: 18.77 TFLOPS`, '2026-06'),
  },
  memory: {
    ...h17Ane.memory!,
    bytes: vendor(16e9, 'bytes', 'M4, smallest memory sold', '2024-05'),
  },
  overhead: {
    ...h17Ane.overhead!,
    dispatch: measured(9.2e-5, 's', '90–95 µs', '2026-06'),
  },
  power: {
    ...h17Ane.power!,
    peak: measured(12.25, 'W', `${MADERIX}: int8; 4.57 W in float16`, '2026-06'),
    operation: {
      int8: inferred(
        0.22,
        'pJ/op',
        `geometric middle of ${MADERIX} 0.34 and M6’s 0.58 of float16`,
        '2026-06',
      ),
      float16: measured(0.243, 'pJ/op', `${MADERIX}: 4.57 W at 18.77 TFLOPS`, '2026-06'),
    },
  },
  errorBand: { ...h17Ane.errorBand!, kinds: undefined },
  fitted: [],
  caveats: [
    'M4: two sources disagree on the energy of int8, one above and one below float16; it may be off twofold',
  ],
};
