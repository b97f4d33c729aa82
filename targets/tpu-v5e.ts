import { inferred, vendor } from './facts.js';
import { tpuV4 } from './tpu-v4.js';
import type { Target } from './types.js';

const DOCS = 'cloud.google.com/tpu/docs/v5e';

export const tpuV5e: Target = {
  ...tpuV4,
  id: 'tpu-v5e',
  name: 'Google TPU v5e',
  aliases: [],
  description:
    'one chip: 1 core × 4 systolic arrays of 128×128, 16 GiB HBM2; int8 at twice the bfloat16 rate',
  peak: {
    int8: vendor(394e12, 'op/s', DOCS, '2026-08'),
    bfloat16: vendor(197e12, 'op/s', DOCS, '2026-08'),
  },
  vector: inferred(3.1e12, 'op/s', '1024 lanes × 2 operations × 1.5 GHz', '2026-08'),
  memory: {
    bytes: vendor(16 * 2 ** 30, 'bytes', DOCS, '2026-08'),
    bandwidth: vendor(8.2e11, 'bytes/s', DOCS, '2026-08'),
    efficiency: inferred(0.83, 'share', 'taken from TPU v4', '2026-08'),
    onChipBytes: vendor(128 * 2 ** 20, 'bytes', 'VMEM, JAX tpu_info', '2026-08'),
    onChipBandwidth: inferred(4.3e12, 'bytes/s', 'taken from TPU v4', '2026-08'),
  },
  power: {
    ...tpuV4.power!,
    idle: inferred(45, 'W', 'half of TPU v4: one core instead of two', '2026-08'),
    typical: inferred(100, 'W', 'TPU v4 by the ratio of bfloat16 rates; Google publishes none', '2026-08'),
    peak: inferred(140, 'W', 'TPU v4 by the ratio of bfloat16 rates; Google publishes none', '2026-08'),
    operation: {
      int8: inferred(0.25, 'pJ/op', 'half of the power above idle goes on at twice the rate', '2026-08'),
      bfloat16: inferred(0.41, 'pJ/op', 'taken from TPU v4', '2023-04'),
    },
  },
  errorBand: { ...tpuV4.errorBand!, kinds: undefined },
  fitted: [],
  caveats: [
    'TPU v5e: utilisation, overheads and energies are those of TPU v4; nothing validates these figures',
  ],
};
