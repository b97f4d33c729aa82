import { inferred, measured, vendor } from './facts.js';
import { TENSORRT_OPERATORS } from './operators.js';
import type { Target } from './types.js';

const PAPER = 'NVIDIA H100 white paper, SXM5';
const MAMF = 'stas00/ml-engineering, maximum achievable matrix product';
const FIT = 'fitted to DeepGEMM’s second release (H800)';
const A100 = 'A100 at system level (Antepara, SC 2025)';

const TDP = vendor(700, 'W', `${PAPER}, TDP`, '2022-03');

export const h100Sxm: Target = {
  id: 'h100-sxm',
  name: 'NVIDIA H100 SXM5',
  aliases: ['h100'],
  description: '132 SMs, 80 GB HBM3; int8 and FP8 at twice the float16 rate, through TensorRT',
  timing: 'modelled',
  activations: { format: 'int8', symmetric: true, reason: 'TensorRT demands a zero point of 0' },
  runtime: 'tensorrt',
  floatFormat: 'float16',
  kernelOutputs: 'float',
  peak: {
    int8: vendor(1978.9e12, 'op/s', `${PAPER}, dense`, '2022-03'),
    fp8: vendor(1978.9e12, 'op/s', `${PAPER}, dense, E4M3 and E5M2`, '2022-03'),
    float16: vendor(989.4e12, 'op/s', `${PAPER}, dense`, '2022-03'),
    bfloat16: vendor(989.4e12, 'op/s', `${PAPER}, dense`, '2022-03'),
    tf32: vendor(494.7e12, 'op/s', `${PAPER}, dense`, '2022-03'),
    float32: vendor(66.9e12, 'op/s', `${PAPER}, vector units`, '2022-03'),
  },
  sparsePeak: {
    int8: vendor(3957.8e12, 'op/s', `${PAPER}, 2:4 sparse`, '2022-03'),
    fp8: vendor(3957.8e12, 'op/s', `${PAPER}, 2:4 sparse`, '2022-03'),
    float16: vendor(1978.9e12, 'op/s', `${PAPER}, 2:4 sparse`, '2022-03'),
    bfloat16: vendor(1978.9e12, 'op/s', `${PAPER}, 2:4 sparse`, '2022-03'),
  },
  utilisation: {
    int8: inferred(0.71, 'share', 'taken from FP8: the same rate', '2025-03'),
    fp8: inferred(0.71, 'share', `${FIT}; ${MAMF} 70.9 %`, '2025-03'),
    float16: inferred(0.828, 'share', 'taken from bfloat16: the same rate', '2024-09'),
    bfloat16: measured(0.828, 'share', `${MAMF}, 80.3 % at a shape that fills 97 % of its rounds`, '2024-09'),
    tf32: inferred(0.828, 'share', 'taken from bfloat16', '2024-09'),
    float32: inferred(0.9, 'share', 'vector units have no operands to wait for', '2024-09'),
  },
  convUtilisation: {
    int8: inferred(0.65, 'share', 'fitted to MLPerf v3.0: ResNet-50 and 3D-UNet offline', '2023-04'),
    fp8: inferred(0.65, 'share', 'taken from int8', '2023-04'),
  },
  sustained: inferred(0.7, 'share', 'fitted to GPT-J’s first token of 2048, TensorRT-LLM v0.6.1', '2023-11'),
  vector: vendor(66.9e12, 'op/s', `${PAPER}, float32 on vector units`, '2022-03'),
  array: {
    rows: inferred(64, 'rows', 'rows of a warp-group product; the smallest tile of the libraries', '2022-03'),
    columns: inferred(64, 'columns', 'the smallest tile that libraries use at full rate', '2022-03'),
    depth: inferred(32, 'elements', '32 bytes of 8-bit operands an instruction', '2022-03'),
    units: vendor(132, 'tiles', `${PAPER}: 132 multiprocessors`, '2022-03'),
  },
  decode: inferred(17, 'op', 'taken from H200: the same multiprocessor', '2025-01'),
  fusion: ['rows', 'attention', 'transpose', 'siblings'],
  memory: {
    bytes: vendor(80e9, 'bytes', PAPER, '2022-03'),
    bandwidth: vendor(3.35e12, 'bytes/s', PAPER, '2022-03'),
    efficiency: inferred(0.86, 'share', FIT, '2025-03'),
    onChipBytes: vendor(50e6, 'bytes', `${PAPER}, L2`, '2022-03'),
    onChipBandwidth: inferred(
      5.5e12,
      'bytes/s',
      'L2 of 5120 bytes a clock at 1.7 GHz × the share of main memory’s bandwidth that kernels reach, rounded down',
      '2022-03',
    ),
  },
  overhead: {
    dispatch: inferred(
      5e-6,
      's',
      'one graph launch: 4–6 µs on the CPU side, measured on a newer GPU',
      '2025-09',
    ),
    kernel: inferred(2.5e-6, 's', FIT, '2025-03'),
    step: inferred(1.2e-3, 's', 'taken from H200: the same serving engine', '2025-01'),
    prompt: inferred(3e-3, 's', 'taken from A100: the same serving engine', '2023-11'),
  },
  link: vendor(450e9, 'bytes/s', `${PAPER}, NVLink 900 GB/s both ways together`, '2022-03'),
  power: {
    idle: measured(70, 'W', 'nvidia-smi logs, 69–76 W at 0 %', '2024-09'),
    peak: TDP,
    limit: TDP,
    operation: {
      int8: inferred(0.37, 'pJ/op', 'taken from FP8', '2024-09'),
      fp8: inferred(
        0.37,
        'pJ/op',
        '0.50 (700 W at 1402.6 TFLOPS, the best product) less its idle power, 0.05, and its bytes, 0.07',
        '2024-09',
      ),
      float16: inferred(0.67, 'pJ/op', 'taken from bfloat16', '2024-09'),
      bfloat16: inferred(
        0.67,
        'pJ/op',
        '0.88 (700 W at 794.5 TFLOPS, the best product) less its idle power, 0.09, and its bytes, 0.11',
        '2024-09',
      ),
      tf32: inferred(1.34, 'pJ/op', 'twice bfloat16: half the rate at the same power', '2024-09'),
      float32: inferred(9, 'pJ/op', '(700 W − idle) at the rate of the vector units', '2024-09'),
    },
    memoryByte: inferred(105, 'pJ/byte', `${A100}, 13.11 pJ/bit`, '2025-11'),
    onChipByte: inferred(38, 'pJ/byte', `${A100}, L2 4.71 pJ/bit`, '2025-11'),
  },
  integerOperators: [...TENSORRT_OPERATORS],
  errorBand: {
    latency: inferred(
      0.5,
      'share',
      'twice what validated kinds need: no published row is of this kind of network and format',
      '2026-11',
    ),
    kinds: {
      'convolutions int8': inferred(
        0.25,
        'share',
        'two audited networks, at most 21 % off on this die; A100’s 13 rows at most 26 %',
        '2026-11',
      ),
      'products fp8': inferred(0.3, 'share', 'nine of ten published rows lie within, rounded up', '2026-11'),
      'products float16': inferred(0.35, 'share', 'taken from A100 and H200', '2026-11'),
    },
    energy: inferred(1, 'share', 'energies of an operation are power limits over achieved rates', '2024-09'),
  },
  fitted: ['utilisation.fp8', 'memory.efficiency', 'overhead.kernel', 'convUtilisation.int8', 'sustained'],
  caveats: [],
};
