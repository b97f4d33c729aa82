import { inferred, vendor } from './facts.js';
import { h100Sxm } from './h100-sxm.js';
import type { Target } from './types.js';

const PAPER = 'NVIDIA H100 white paper, PCIe';
const TDP = vendor(350, 'W', `${PAPER}, TDP`, '2022-03');
const dense = (value: number) => vendor(value, 'op/s', `${PAPER}, dense`, '2022-03');
const sparse = (value: number) => vendor(value, 'op/s', `${PAPER}, 2:4 sparse`, '2022-03');

/** The die of the SXM module with fewer multiprocessors, slower memory and half of the power. */
export const h100Pcie: Target = {
  ...h100Sxm,
  id: 'h100-pcie',
  name: 'NVIDIA H100 PCIe',
  aliases: [],
  description: '114 SMs, 80 GB HBM2e; the H100 as a card of 350 W',
  peak: {
    int8: dense(1513e12),
    fp8: dense(1513e12),
    float16: dense(756e12),
    bfloat16: dense(756e12),
    tf32: dense(378e12),
    float32: dense(51e12),
  },
  sparsePeak: { int8: sparse(3026e12), fp8: sparse(3026e12), float16: sparse(1513e12) },
  vector: vendor(51e12, 'op/s', `${PAPER}, float32 on vector units`, '2022-03'),
  array: { ...h100Sxm.array!, units: vendor(114, 'tiles', `${PAPER}: 114 multiprocessors`, '2022-03') },
  memory: { ...h100Sxm.memory!, bandwidth: vendor(2.0e12, 'bytes/s', PAPER, '2022-03') },
  link: vendor(300e9, 'bytes/s', `${PAPER}, NVLink bridge 600 GB/s both ways together`, '2022-03'),
  power: {
    ...h100Sxm.power!,
    idle: inferred(50, 'W', 'H100 SXM 70 W less its faster memory’s share', '2024-09'),
    peak: TDP,
    limit: TDP,
  },
  errorBand: {
    ...h100Sxm.errorBand!,
    kinds: {
      'convolutions int8': inferred(0.25, 'share', 'two audited networks, 21 % off at most', '2026-11'),
    },
  },
  fitted: [],
  caveats: [
    'H100 PCIe: utilisation and overheads are those of H100 SXM; the 350 W limit lowers its clock under load',
  ],
};
