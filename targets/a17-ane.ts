import { inferred, measured, vendor } from './facts.js';
import { NEURAL_ENGINE_FALLBACKS, NEURAL_ENGINE_OPERATORS } from './operators.js';
import type { Target } from './types.js';

const APPLE = 'Apple, iPhone 15 Pro announcement: 16-core Neural Engine, 35 TOPS';
const BRYNGELSON = 'Bryngelson, arXiv:2606.22283, reverse engineering on Macs';
const FIT =
  'fitted to coremltools’ A16 rows: ResNet-50 in float16 and int8, MobileNetV2 and V3-small in float16';

export const a17Ane: Target = {
  id: 'a17-ane',
  name: 'Apple A17 Pro Neural Engine',
  aliases: ['ane'],
  description: 'iPhone 15 Pro: 16 cores, int8×int8 at twice the float16 rate, no FP8, bfloat16 or float32',
  timing: 'modelled',
  activations: {
    format: 'int8',
    symmetric: false,
    reason: 'Core ML quantize/dequantize take a zero point, so post-ReLU ranges keep all 256 codes',
  },
  package: 'mlpackage',
  floatFormat: 'float16',
  kernelOutputs: 'float',
  peak: {
    int8: vendor(35e12, 'op/s', APPLE, '2023-09'),
    float16: inferred(
      17.5e12,
      'op/s',
      'half of the int8 peak: 16 cores × 256 MAC × 2 × 2.14 GHz (512 MAC a core in int8)',
      '2026-06',
    ),
  },
  utilisation: {
    int8: inferred(0.93, 'share', 'A18 Pro and the h17 stacks reach 0.91 and 0.88, M4 0.95', '2026-06'),
    float16: inferred(0.93, 'share', 'A18 Pro and the h17 stacks reach 0.93 and 0.91, M4 0.97', '2026-06'),
  },
  outputLanes: measured(
    256,
    'channels',
    `${BRYNGELSON}: 256 output channels a pass; 64-channel layers reach a quarter (M4)`,
    '2026-06',
  ),
  fusion: ['pointwise'],
  memory: {
    bytes: vendor(8e9, 'bytes', 'iPhone 15 Pro, 8 GB LPDDR5', '2023-09'),
    bandwidth: inferred(
      145e9,
      'bytes/s',
      `weights, fetched ahead of the kernels that read them: M5 145 GB/s, ${BRYNGELSON}; A17 Pro is not published`,
      '2026-06',
    ),
    efficiency: inferred(1, 'share', 'the bandwidth above is an achieved one', '2026-06'),
    onChipBytes: inferred(1.5e6, 'bytes', `${FIT}; at most 2 MiB an operand tile, ${BRYNGELSON}`, '2024-09'),
    onChipBandwidth: inferred(1.9e11, 'bytes/s', FIT, '2024-09'),
    activationBandwidth: measured(
      24e9,
      'bytes/s',
      `tiles of activations, M1 and M5, ${BRYNGELSON}`,
      '2026-06',
    ),
  },
  overhead: {
    dispatch: inferred(3.8e-5, 's', `${FIT}; M4 takes 90–95 µs`, '2024-09'),
    kernel: inferred(0, 's', 'layers of one program follow each other without a launch', '2026-06'),
  },
  fallback: {
    to: 'CPU',
    operators: [...NEURAL_ENGINE_FALLBACKS],
    switch: inferred(1e-4, 's', 'another dispatch, as M4 shows it', '2026-06'),
    longestAxis: measured(65536, 'elements', `H16 and later; 16,384 before, ${BRYNGELSON}`, '2026-06'),
    widestAverage: measured(13, 'elements', 'hollance/neural-engine, coremltools issues', '2026-08'),
  },
  power: {
    idle: measured(0, 'W', `power-gated when idle, ${BRYNGELSON}`, '2026-06'),
    peak: measured(
      4.1,
      'W',
      'Geekerwan: A17 Pro whole SoC, 30 min game, 4.13 W sustained; no figure of the Neural Engine alone',
      '2023-10',
    ),
    operation: {
      int8: inferred(
        0.24,
        'pJ/op',
        'geometric middle of M6 0.17 and M4 0.34; they disagree twofold',
        '2026-06',
      ),
      float16: inferred(0.31, 'pJ/op', 'geometric middle of M4 0.243 and M6 0.40', '2026-06'),
    },
    memoryByte: inferred(
      50,
      'pJ/byte',
      'constant of Apple’s compiler for DRAM; at most 46 measured on M6',
      '2026-06',
    ),
    onChipByte: inferred(10, 'pJ/byte', 'constant of Apple’s compiler for the system cache', '2026-06'),
    call: measured(0.15, 'mJ', 'M6, Neural Engine side only', '2026-06'),
  },
  battery: {
    wattHours: measured(12.7, 'Wh', 'iPhone 15 Pro, 3274 mAh (Chinese regulatory database)', '2023-09'),
    sustained: measured(4.1, 'W', 'Geekerwan, whole SoC at 48 °C skin temperature', '2023-10'),
  },
  integerOperators: [...NEURAL_ENGINE_OPERATORS],
  errorBand: {
    latency: inferred(
      0.5,
      'share',
      'twice what validated kinds need: no published row is of this kind of network and format',
      '2026-11',
    ),
    kinds: {
      'convolutions float16': inferred(
        0.2,
        'share',
        'MobileNetV2 and MobileViTv2, 10 % off; the vendor’s own pages differ by 18 %',
        '2026-11',
      ),
      'convolutions int8': inferred(
        0.45,
        'share',
        'MobileNetV2 2 % and MobileViTv2 42 % off; the vendor’s own pages differ by 39 %',
        '2026-11',
      ),
    },
    energy: inferred(1, 'share', 'published M4 and M6 energies of an operation differ twofold', '2026-06'),
  },
  fitted: [],
  caveats: [
    'A17 Pro power: no published figure; energy is scaled from M4 and M6 and may be off by a factor of two',
    'A17 Pro: memory and overheads are those fitted to A16; its own Neural Engine bandwidth is not published',
  ],
};
