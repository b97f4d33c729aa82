import { MOVEMENT_OPERATORS } from './operators.js';
import type { Target } from './types.js';

const WHITE_PAPER = 'NVIDIA H100 white paper, SXM5, dense';
const MAMF = 'stas00/ml-engineering, maximum achievable matrix product';
const MLPERF = 'MLPerf Inference v3.0, ResNet-50 offline, 91,825.7 images/s';

export const h100Sxm: Target = {
  id: 'h100-sxm',
  name: 'NVIDIA H100 SXM5',
  aliases: ['h100'],
  description: '132 SMs, 80 GB HBM3; int8 and FP8 at twice the float16 rate, through TensorRT',
  timing: 'modelled',
  activations: {
    format: 'int8',
    symmetric: true,
    reason: 'TensorRT demands a zero point of 0',
  },
  floatFormat: 'float16',
  kernelOutputs: 'float',
  peak: {
    int8: { value: 1978.9e12, unit: 'op/s', kind: 'vendor', source: WHITE_PAPER, date: '2022-03' },
    float16: { value: 989.4e12, unit: 'op/s', kind: 'vendor', source: WHITE_PAPER, date: '2022-03' },
  },
  utilisation: {
    int8: {
      value: 0.7,
      unit: 'share',
      kind: 'inferred',
      source: `taken from FP8, the same rate: ${MAMF} 70.9 %; fit of 18 DeepGEMM rows 0.70`,
      date: '2025-03',
    },
    float16: {
      value: 0.8,
      unit: 'share',
      kind: 'measured',
      source: `${MAMF}, bfloat16 80.3 %`,
      date: '2024-09',
    },
  },
  convUtilisation: {
    int8: {
      value: 0.38,
      unit: 'share',
      kind: 'measured',
      source: `${MLPERF} × 8.178 GOP: 37.9 % of peak`,
      date: '2023-04',
    },
    float16: {
      value: 0.43,
      unit: 'share',
      kind: 'inferred',
      source: 'int8 share of convolutions × the float16/int8 ratio of matrix products',
      date: '2024-09',
    },
  },
  memory: {
    bytes: { value: 80e9, unit: 'bytes', kind: 'vendor', source: WHITE_PAPER, date: '2022-03' },
    bandwidth: { value: 3.35e12, unit: 'bytes/s', kind: 'vendor', source: WHITE_PAPER, date: '2022-03' },
    efficiency: {
      value: 0.86,
      unit: 'share',
      kind: 'inferred',
      source: 'fit of 18 DeepGEMM rows on H800; its best row alone shows 0.80',
      date: '2025-03',
    },
    onChipBytes: {
      value: 50e6,
      unit: 'bytes',
      kind: 'vendor',
      source: `${WHITE_PAPER}, L2`,
      date: '2022-03',
    },
  },
  overhead: {
    dispatch: {
      value: 5e-6,
      unit: 's',
      kind: 'inferred',
      source: 'one graph launch: 4–6 µs on the CPU side a launch, measured on a newer GPU',
      date: '2025-09',
    },
    kernel: {
      value: 2.5e-6,
      unit: 's',
      kind: 'inferred',
      source: 'fit of 18 DeepGEMM rows on H800: 2.3–2.75 µs a kernel',
      date: '2025-03',
    },
  },
  power: {
    idle: {
      value: 70,
      unit: 'W',
      kind: 'measured',
      source: 'nvidia-smi logs, 69–76 W at 0 %',
      date: '2024-09',
    },
    peak: { value: 700, unit: 'W', kind: 'vendor', source: `${WHITE_PAPER}, TDP`, date: '2022-03' },
    operation: {
      int8: {
        value: 0.45,
        unit: 'pJ/op',
        kind: 'inferred',
        source: '(700 − 70) W at 1402.6 TFLOPS, FP8, the same rate; an upper bound',
        date: '2024-09',
      },
      float16: {
        value: 0.79,
        unit: 'pJ/op',
        kind: 'inferred',
        source: '(700 − 70) W at 794.5 TFLOPS, bfloat16; an upper bound',
        date: '2024-09',
      },
    },
    memoryByte: {
      value: 105,
      unit: 'pJ/byte',
      kind: 'inferred',
      source: 'A100 at system level, 13.11 pJ/bit (Antepara, SC 2025)',
      date: '2025-11',
    },
  },
  integerOperators: [
    'Conv',
    'ConvTranspose',
    'Gemm',
    'MatMul',
    'Add',
    'AveragePool',
    'GlobalAveragePool',
    'MaxPool',
    'Relu',
    'Clip',
    'Resize',
    ...MOVEMENT_OPERATORS,
  ],
  errorBand: {
    latency: {
      value: 0.5,
      unit: 'share',
      kind: 'inferred',
      source:
        '18 DeepGEMM rows within 26 %; small-batch networks are optimistic, since their kernels do not fill the chip',
      date: '2025-03',
    },
    energy: {
      value: 1,
      unit: 'share',
      kind: 'inferred',
      source: 'energies of an operation are power limits over achieved rates, hence upper bounds',
      date: '2024-09',
    },
  },
  caveats: [
    'H100 at batch 1: kernels that do not fill the chip take longer than modelled (A100 int8 networks show 4–8 µs a layer)',
  ],
};
