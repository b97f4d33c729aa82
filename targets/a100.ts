import { inferred, measured, vendor } from './facts.js';
import { h100Sxm } from './h100-sxm.js';
import type { Target } from './types.js';

const PAPER = 'NVIDIA A100 white paper, SXM4 80 GB';
const MAMF = 'stas00/ml-engineering, maximum achievable matrix product';
const FIT = 'fitted to TensorRT 8.4 at batch 1: ResNet-50, ResNet-101, MobileNetV1';
const TDP = vendor(400, 'W', `${PAPER}, TDP`, '2020-11');
const dense = (value: number) => vendor(value, 'op/s', `${PAPER}, dense`, '2020-11');
const sparse = (value: number) => vendor(value, 'op/s', `${PAPER}, 2:4 sparse`, '2020-11');

export const a100: Target = {
  ...h100Sxm,
  id: 'a100',
  name: 'NVIDIA A100 SXM4',
  aliases: [],
  description: '108 SMs, 80 GB HBM2e; int8 at twice the float16 rate, no FP8',
  peak: {
    int8: dense(624e12),
    float16: dense(312e12),
    bfloat16: dense(312e12),
    tf32: dense(156e12),
    float32: vendor(19.5e12, 'op/s', `${PAPER}, vector units`, '2020-11'),
  },
  sparsePeak: { int8: sparse(1248e12), float16: sparse(624e12), bfloat16: sparse(624e12) },
  utilisation: {
    int8: inferred(0.87, 'share', 'taken from bfloat16', '2024-09'),
    float16: inferred(0.87, 'share', 'taken from bfloat16', '2024-09'),
    bfloat16: measured(0.87, 'share', `${MAMF}, 86.9 % at its best shape`, '2024-09'),
    tf32: inferred(0.87, 'share', 'taken from bfloat16', '2024-09'),
    float32: inferred(0.9, 'share', 'vector units have no operands to wait for', '2024-09'),
  },
  convUtilisation: { int8: inferred(0.8, 'share', 'taken from H100', '2023-04') },
  sustained: inferred(0.8, 'share', 'fitted to BERT-base in float16 at batch 128, TensorRT', '2022-06'),
  vector: vendor(19.5e12, 'op/s', `${PAPER}, float32 on vector units`, '2020-11'),
  array: { ...h100Sxm.array!, units: vendor(108, 'tiles', `${PAPER}: 108 multiprocessors`, '2020-11') },
  memory: {
    ...h100Sxm.memory!,
    bytes: vendor(80e9, 'bytes', PAPER, '2020-11'),
    bandwidth: vendor(2.04e12, 'bytes/s', PAPER, '2020-11'),
    onChipBytes: vendor(40e6, 'bytes', `${PAPER}, L2`, '2020-11'),
    onChipBandwidth: inferred(4.5e12, 'bytes/s', 'that of H100 at the lower clock', '2022-03'),
  },
  overhead: {
    ...h100Sxm.overhead!,
    kernel: inferred(5e-6, 's', FIT, '2022-06'),
    prompt: inferred(3e-3, 's', 'fitted to GPT-J’s first token of 128, TensorRT-LLM v0.6.1', '2023-11'),
  },
  link: vendor(300e9, 'bytes/s', `${PAPER}, NVLink 600 GB/s both ways together`, '2020-11'),
  power: {
    ...h100Sxm.power!,
    idle: measured(54, 'W', 'constant part of a regression (Antepara, SC 2025)', '2025-11'),
    peak: TDP,
    limit: TDP,
    operation: {
      int8: inferred(0.62, 'pJ/op', '(400 W − idle − memory) at 0.7 of the peak', '2024-09'),
      float16: inferred(
        1.08,
        'pJ/op',
        '(400 W − idle − memory) at 271.2 TFLOPS, the best product',
        '2024-09',
      ),
      bfloat16: inferred(1.08, 'pJ/op', 'taken from float16', '2024-09'),
      tf32: inferred(2.2, 'pJ/op', 'twice float16', '2024-09'),
      float32: inferred(17, 'pJ/op', '(400 W − idle) at the rate of the vector units', '2024-09'),
    },
  },
  errorBand: {
    ...h100Sxm.errorBand!,
    kinds: {
      'convolutions int8': inferred(0.3, 'share', 'worst of the published rows, rounded up', '2026-11'),
      'products int8': inferred(0.45, 'share', 'worst of the published rows, rounded up', '2026-11'),
      'products float16': inferred(0.35, 'share', 'worst of the published rows, rounded up', '2026-11'),
    },
  },
  fitted: ['overhead.kernel', 'utilisation.bfloat16', 'sustained', 'overhead.prompt'],
  caveats: [],
};
