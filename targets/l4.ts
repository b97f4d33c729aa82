import { inferred, vendor } from './facts.js';
import { h100Sxm } from './h100-sxm.js';
import type { Target } from './types.js';

const SHEET = 'NVIDIA L4 data sheet';
const TDP = vendor(72, 'W', `${SHEET}, TDP`, '2023-03');
const dense = (value: number) => vendor(value, 'op/s', `${SHEET}, dense`, '2023-03');
const sparse = (value: number) => vendor(value, 'op/s', `${SHEET}, 2:4 sparse`, '2023-03');

export const l4: Target = {
  ...h100Sxm,
  id: 'l4',
  name: 'NVIDIA L4',
  aliases: [],
  description: '58 SMs, 24 GB GDDR6 on a card of 72 W; int8 and FP8 at twice the float16 rate',
  peak: {
    int8: dense(242e12),
    fp8: dense(242e12),
    float16: dense(121e12),
    bfloat16: dense(121e12),
    tf32: dense(60e12),
    float32: vendor(30.3e12, 'op/s', `${SHEET}, vector units`, '2023-03'),
  },
  sparsePeak: { int8: sparse(485e12), fp8: sparse(485e12), float16: sparse(242e12) },
  convUtilisation: {
    int8: inferred(0.55, 'share', 'fitted to MLPerf v3.0, ResNet-50 offline, at the 72 W limit', '2023-04'),
    fp8: inferred(0.55, 'share', 'taken from int8', '2023-04'),
    float16: inferred(0.6, 'share', 'between int8 and what H100 reaches', '2023-04'),
    bfloat16: inferred(0.6, 'share', 'taken from float16', '2023-04'),
  },
  vector: vendor(30.3e12, 'op/s', `${SHEET}, float32 on vector units`, '2023-03'),
  array: { ...h100Sxm.array!, units: vendor(58, 'tiles', `${SHEET}: 58 multiprocessors`, '2023-03') },
  memory: {
    ...h100Sxm.memory!,
    bytes: vendor(24e9, 'bytes', SHEET, '2023-03'),
    bandwidth: vendor(300e9, 'bytes/s', SHEET, '2023-03'),
    onChipBytes: vendor(48e6, 'bytes', `${SHEET}, L2`, '2023-03'),
    onChipBandwidth: inferred(2e12, 'bytes/s', 'that of H100 by the number of multiprocessors', '2022-03'),
  },
  link: vendor(32e9, 'bytes/s', `${SHEET}, PCIe 4.0 × 16 one way`, '2023-03'),
  power: {
    ...h100Sxm.power!,
    idle: inferred(12, 'W', 'H100’s idle share of its limit, rounded up', '2024-09'),
    peak: TDP,
    limit: TDP,
    operation: {
      ...h100Sxm.power!.operation,
      int8: inferred(0.33, 'pJ/op', '(72 W − idle − memory) at 0.55 of the peak', '2023-04'),
      fp8: inferred(0.33, 'pJ/op', 'taken from int8', '2023-04'),
      float16: inferred(0.6, 'pJ/op', 'int8 × the float16/FP8 ratio of H100', '2023-04'),
      bfloat16: inferred(0.6, 'pJ/op', 'taken from float16', '2023-04'),
    },
    memoryByte: inferred(60, 'pJ/byte', 'GDDR6 7.5 pJ/bit', '2025-11'),
  },
  errorBand: {
    ...h100Sxm.errorBand!,
    kinds: {
      'convolutions int8': inferred(0.2, 'share', 'two audited networks, at most 18 % off', '2026-11'),
    },
  },
  fitted: ['convUtilisation.int8'],
  caveats: ['L4: what is not stated is taken from H100; products alone are not validated'],
};
