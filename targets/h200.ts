import { inferred, vendor } from './facts.js';
import { h100Sxm } from './h100-sxm.js';
import type { Target } from './types.js';

const SHEET = 'NVIDIA H200 data sheet, SXM';

/** The die of H100 SXM with larger and faster memory. */
export const h200: Target = {
  ...h100Sxm,
  id: 'h200',
  name: 'NVIDIA H200 SXM',
  aliases: [],
  description: '132 SMs, 141 GB HBM3e; the die of H100 with more memory',
  memory: {
    ...h100Sxm.memory!,
    bytes: vendor(141e9, 'bytes', SHEET, '2023-11'),
    bandwidth: vendor(4.8e12, 'bytes/s', SHEET, '2023-11'),
  },
  decode: inferred(17, 'op', 'fitted to int4 weights of Llama 3.1 8B at batch 1 and 64', '2025-01'),
  overhead: {
    ...h100Sxm.overhead!,
    step: inferred(
      1.2e-3,
      's',
      'fitted to TensorRT-LLM 0.15, Llama 3.1 8B in bfloat16 and FP8 at batch 1',
      '2025-01',
    ),
  },
  errorBand: {
    ...h100Sxm.errorBand!,
    kinds: {
      'convolutions int8': inferred(0.25, 'share', 'worst of the published rows, rounded up', '2026-11'),
      'products fp8': inferred(0.3, 'share', 'worst of the published rows, rounded up', '2026-11'),
      'products bfloat16': inferred(0.2, 'share', 'worst of the published rows, rounded up', '2026-11'),
      'products float16': inferred(
        0.35,
        'share',
        'worst of the published rows with int4 weights, rounded up',
        '2026-11',
      ),
    },
  },
  fitted: ['overhead.step', 'decode'],
  caveats: ['H200: utilisation, overheads and energies are those of H100 SXM, the same die'],
};
