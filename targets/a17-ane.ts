import { MOVEMENT_OPERATORS } from './operators.js';
import type { Target } from './types.js';

const APPLE = 'Apple, iPhone 15 Pro announcement: 16-core Neural Engine, 35 TOPS';
const BRYNGELSON = 'Bryngelson, arXiv:2606.22283, reverse engineering on Macs';

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
  floatFormat: 'float16',
  kernelOutputs: 'float',
  peak: {
    int8: { value: 35e12, unit: 'op/s', kind: 'vendor', source: APPLE, date: '2023-09' },
    float16: {
      value: 17.5e12,
      unit: 'op/s',
      kind: 'inferred',
      source: 'half of the int8 peak: 16 cores × 256 MAC × 2 × 2.14 GHz (512 MAC a core in int8)',
      date: '2026-06',
    },
  },
  utilisation: {
    int8: {
      value: 0.93,
      unit: 'share',
      kind: 'inferred',
      source: 'middle of 0.87 (A18 Pro convolution stack, 30.53/35 TOPS) and 0.97 (M4)',
      date: '2026-06',
    },
    float16: {
      value: 0.93,
      unit: 'share',
      kind: 'inferred',
      source: 'middle of 0.89 (A18 Pro convolution stack, 15.86/17.8 TFLOPS) and 0.97 (M4, 18.77/19.4)',
      date: '2026-06',
    },
  },
  outputLanes: {
    value: 256,
    unit: 'channels',
    kind: 'measured',
    source: `${BRYNGELSON}: 256 output channels a pass; 64-channel layers reach a quarter (M4)`,
    date: '2026-06',
  },
  memory: {
    bytes: {
      value: 8e9,
      unit: 'bytes',
      kind: 'vendor',
      source: 'iPhone 15 Pro, 8 GB LPDDR5',
      date: '2023-09',
    },
    bandwidth: {
      value: 51.2e9,
      unit: 'bytes/s',
      kind: 'inferred',
      source: 'LPDDR5-6400 × 64 bit; the Neural Engine’s own share is not published',
      date: '2026-08',
    },
    efficiency: {
      value: 0.75,
      unit: 'share',
      kind: 'inferred',
      source: `M1 weight stream 51 of 68 GB/s, ${BRYNGELSON}`,
      date: '2026-06',
    },
    onChipBytes: {
      value: 16 * 2 ** 20,
      unit: 'bytes',
      kind: 'inferred',
      source: `system cache share of M1 and M4, ${BRYNGELSON}; A17 Pro not published`,
      date: '2026-06',
    },
    activationBandwidth: {
      value: 34e9,
      unit: 'bytes/s',
      kind: 'inferred',
      source: 'fit of the brief’s h17 convolution stacks (inputs + outputs beside 0.09 ms dispatch)',
      date: '2026-08',
    },
  },
  overhead: {
    dispatch: {
      value: 1e-4,
      unit: 's',
      kind: 'measured',
      source: 'coremltools: MobileNetV3-small 0.12–0.13 ms end to end on A16; M4 0.09–0.095 ms',
      date: '2024-09',
    },
    kernel: {
      value: 1e-6,
      unit: 's',
      kind: 'inferred',
      source: 'fit of the brief’s h17 convolution stacks, 1–1.5 µs a layer',
      date: '2026-08',
    },
  },
  power: {
    idle: {
      value: 0,
      unit: 'W',
      kind: 'measured',
      source: `power-gated when idle, ${BRYNGELSON}`,
      date: '2026-06',
    },
    peak: {
      value: 4.1,
      unit: 'W',
      kind: 'measured',
      source:
        'Geekerwan: A17 Pro whole SoC, 30 min game, 4.13 W sustained; no figure of the Neural Engine alone',
      date: '2023-10',
    },
    operation: {
      int8: {
        value: 0.24,
        unit: 'pJ/op',
        kind: 'inferred',
        source: 'geometric middle of M6 0.17 and M4 0.34; the two sources disagree twofold',
        date: '2026-06',
      },
      float16: {
        value: 0.31,
        unit: 'pJ/op',
        kind: 'inferred',
        source: 'geometric middle of M4 0.243 and M6 0.40',
        date: '2026-06',
      },
    },
    memoryByte: {
      value: 50,
      unit: 'pJ/byte',
      kind: 'inferred',
      source: 'constant of Apple’s compiler for DRAM; at most 46 measured on M6',
      date: '2026-06',
    },
    call: {
      value: 0.15,
      unit: 'mJ',
      kind: 'measured',
      source: 'M6, Neural Engine side only',
      date: '2026-06',
    },
  },
  // coremltools writes Q/DQ around exactly these; Gemm and MatMul are lowered to 1×1 convolutions.
  integerOperators: [
    'Conv',
    'Gemm',
    'MatMul',
    // Add stays in float16, which the engine computes natively: rounding both operands of every residual sum costs
    // accuracy and saves no multiplication.
    'AveragePool',
    'MaxPool',
    'Relu',
    'LeakyRelu',
    'Clip',
    'Sigmoid',
    'Tanh',
    ...MOVEMENT_OPERATORS,
  ],
  errorBand: {
    latency: {
      value: 0.5,
      unit: 'share',
      kind: 'inferred',
      source:
        'brief’s h17 stacks +10 to +14 %, MobileNetV2 on A17 Pro −15 % (float16) and +46 % (int8); the vendor’s own pages differ by 39 %',
      date: '2024-09',
    },
    energy: {
      value: 1,
      unit: 'share',
      kind: 'inferred',
      source: 'published M4 and M6 energies of an operation differ twofold',
      date: '2026-06',
    },
  },
  caveats: [
    'A17 Pro power: no published figure; energy is scaled from M4 and M6 and may be off by a factor of two',
    'A17 Pro memory bandwidth of the Neural Engine is not published; it is assumed to be that of M1 in proportion',
    'Operators that fall back to the CPU or GPU are timed as if they ran on the Neural Engine in float16',
  ],
};
