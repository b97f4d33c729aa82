import { a17Ane } from './a17-ane.js';
import { inferred, measured, vendor } from './facts.js';
import type { Target } from './types.js';

const APPLE = 'Apple, iPhone 14 Pro announcement: 16-core Neural Engine, 17 TOPS';

/** Neural Engine of the iPhone 14 Pro; the one that memory and overheads of the phone chips are fitted to. */
export const a16Ane: Target = {
  ...a17Ane,
  id: 'a16-ane',
  name: 'Apple A16 Neural Engine',
  aliases: [],
  description: 'iPhone 14 Pro: 16 cores; int8 at the float16 rate, so that it gains by moving fewer bytes',
  peak: {
    int8: vendor(17e12, 'op/s', APPLE, '2022-09'),
    float16: inferred(
      17e12,
      'op/s',
      'twice int8 came with the A17 Pro, so 17 TOPS is the float16 rate',
      '2026-06',
    ),
  },
  memory: {
    ...a17Ane.memory!,
    bytes: vendor(6e9, 'bytes', 'iPhone 14 Pro, 6 GB LPDDR5', '2022-09'),
  },
  fallback: {
    ...a17Ane.fallback!,
    longestAxis: measured(16384, 'elements', 'before H16: Bryngelson, arXiv:2606.22283', '2026-06'),
  },
  power: {
    ...a17Ane.power!,
    peak: measured(4.32, 'W', 'Geekerwan: A16 whole SoC, 30 min game', '2023-10'),
  },
  battery: {
    wattHours: inferred(12.4, 'Wh', 'iPhone 14 Pro, 3200 mAh × 3.87 V', '2022-09'),
    sustained: measured(4.32, 'W', 'Geekerwan, whole SoC', '2023-10'),
  },
  errorBand: {
    ...a17Ane.errorBand!,
    kinds: {
      'convolutions float16': inferred(0.2, 'share', 'worst of the published rows, rounded up', '2026-11'),
      'convolutions int8': inferred(0.4, 'share', 'worst of the published rows, rounded up', '2026-11'),
    },
  },
  fitted: ['memory.onChipBytes', 'memory.onChipBandwidth', 'overhead.dispatch'],
  caveats: [
    'A16 power: no published figure; energy is scaled from M4 and M6 and may be off by a factor of two',
  ],
};
