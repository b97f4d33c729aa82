import { a17Ane } from './a17-ane.js';
import { inferred } from './facts.js';
import type { Target } from './types.js';

const STACKS = 'convolution stacks on an h17 Neural Engine (64×64, 256 to 512 channels)';
const FIT = `fitted to 7 of 13 ${STACKS}`;

/** The Neural Engine that published convolution stacks ran on: by its code name the generation behind the A17 Pro. */
export const h17Ane: Target = {
  ...a17Ane,
  id: 'h17-ane',
  name: 'Apple h17 Neural Engine',
  aliases: [],
  description: 'a Mac’s Neural Engine of type h17: 20.05 TFLOPS float16 a cluster by its clock',
  peak: {
    int8: inferred(40.11e12, 'op/s', '16 arrays × 4096 MAC × 306 MHz, as the benchmark states it', '2026-06'),
    float16: inferred(
      20.05e12,
      'op/s',
      '16 arrays × 2048 MAC × 306 MHz, as the benchmark states it',
      '2026-06',
    ),
  },
  utilisation: {
    int8: inferred(0.881, 'share', FIT, '2026-06'),
    float16: inferred(0.914, 'share', FIT, '2026-06'),
  },
  memory: {
    ...a17Ane.memory!,
    activationBandwidth: inferred(
      44.8e9,
      'bytes/s',
      `${FIT}: inputs and outputs; 35–40 GB/s on M6`,
      '2026-06',
    ),
  },
  overhead: {
    dispatch: inferred(8.4e-5, 's', `${FIT}; M5 takes 70–110 µs`, '2026-06'),
    kernel: inferred(7.3e-7, 's', `${FIT}; 0.7 µs a layer`, '2026-06'),
  },
  battery: undefined,
  errorBand: {
    ...a17Ane.errorBand!,
    kinds: {
      'convolutions float16': inferred(
        0.05,
        'share',
        'stacks of 1×1 convolutions; other networks are not validated',
        '2026-11',
      ),
      'convolutions int8': inferred(
        0.05,
        'share',
        'stacks of 1×1 convolutions; other networks are not validated',
        '2026-11',
      ),
    },
  },
  fitted: [
    'utilisation.float16',
    'utilisation.int8',
    'memory.activationBandwidth',
    'overhead.dispatch',
    'overhead.kernel',
  ],
  caveats: [
    'h17 power: no published figure; energy is scaled from M4 and M6 and may be off by a factor of two',
    'h17: only stacks of 1×1 convolutions validate it; what happens between other layers is taken from A16',
  ],
};
