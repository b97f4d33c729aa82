import { inferred, measured, vendor } from './facts.js';
import { h17Ane } from './h17-ane.js';
import type { Target } from './types.js';

const APPLE = 'Apple, iPhone 16 Pro announcement: 16-core Neural Engine, 35 TOPS';
const NEO = 'MacBook Neo (A18 Pro), Core ML, 128 convolutions of 512 channels';

/** The h17 generation at the rate of the A18 Pro. */
export const a18Ane: Target = {
  ...h17Ane,
  id: 'a18-ane',
  name: 'Apple A18 Pro Neural Engine',
  aliases: [],
  description: 'iPhone 16 Pro, MacBook Neo: 16 cores, int8×int8 at twice the float16 rate',
  peak: {
    int8: vendor(35e12, 'op/s', APPLE, '2024-09'),
    float16: inferred(17.5e12, 'op/s', 'half of the int8 peak', '2024-09'),
  },
  utilisation: {
    int8: measured(0.909, 'share', `${NEO}: 30.53 TOPS, overheads taken out`, '2026-06'),
    float16: measured(0.926, 'share', `${NEO}: 15.86 TFLOPS, overheads taken out`, '2026-06'),
  },
  errorBand: { ...h17Ane.errorBand!, kinds: undefined },
  fitted: ['utilisation.int8', 'utilisation.float16'],
  caveats: [
    'A18 Pro power: no published figure; energy is scaled from M4 and M6 and may be off by a factor of two',
    'A18 Pro: memory and overheads are those of the h17 stacks; networks are not validated',
  ],
};
