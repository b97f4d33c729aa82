import { inferred, measured, vendor } from './facts.js';
import { MOVEMENT_OPERATORS } from './operators.js';
import type { Target } from './types.js';

const DOCS = 'cloud.google.com/tpu/docs/v4';
const PALLAS = 'third-party Pallas TPU tutorial, measured on v4';
const PAPER = 'Jouppi et al., arXiv:2304.01433';

export const tpuV4: Target = {
  id: 'tpu-v4',
  name: 'Google TPU v4',
  aliases: ['tpu'],
  description:
    'one chip: 2 cores × 4 systolic arrays of 128×128, 32 GiB HBM2; int8 peak equals the bfloat16 peak',
  timing: 'modelled',
  activations: {
    format: 'int8',
    symmetric: false,
    reason:
      'weights are symmetric, so the zero point is a constant per output channel that folds into the int32 bias',
  },
  package: 'savedmodel',
  floatFormat: 'bfloat16',
  kernelOutputs: 'float',
  peak: {
    int8: vendor(275e12, 'op/s', DOCS, '2026-08'),
    bfloat16: vendor(275e12, 'op/s', DOCS, '2026-08'),
  },
  utilisation: {
    int8: inferred(0.93, 'share', 'taken from bfloat16: the same arrays at the same rate', '2026-08'),
    bfloat16: inferred(
      0.93,
      'share',
      `fitted to the best Pallas product of 2048³, 74.7 µs; ${PALLAS}`,
      '2026-08',
    ),
  },
  vector: inferred(4.3e12, 'op/s', '2 cores × 1024 lanes × 2 operations × 1.05 GHz', '2026-08'),
  array: {
    rows: measured(8, 'rows', `a register holds 8×128; ${PALLAS}`, '2026-08'),
    columns: vendor(128, 'columns', `width of one systolic array, ${DOCS}`, '2026-08'),
    depth: vendor(128, 'elements', `height of one systolic array, ${DOCS}`, '2026-08'),
  },
  fusion: ['rows', 'transpose', 'siblings'],
  memory: {
    bytes: vendor(32 * 2 ** 30, 'bytes', DOCS, '2026-08'),
    bandwidth: vendor(1.2e12, 'bytes/s', DOCS, '2026-08'),
    efficiency: measured(0.83, 'share', `970 GB/s read, 1020–1070 GB/s write of 1200; ${PALLAS}`, '2026-08'),
    onChipBytes: vendor(128 * 2 ** 20, 'bytes', `CMEM, shared by both cores; ${PAPER}`, '2023-04'),
    onChipBandwidth: measured(4.3e12, 'bytes/s', `CMEM to VMEM 2150 GB/s a core; ${PALLAS}`, '2026-08'),
  },
  overhead: {
    dispatch: measured(4e-5, 's', `20–60 thousand cycles of runtime code a program; ${PALLAS}`, '2026-08'),
    kernel: inferred(
      1e-6,
      's',
      `two transfers of about 450 cycles start-up at 1.05 GHz; ${PALLAS}`,
      '2026-08',
    ),
  },
  link: measured(45e9, 'bytes/s', `one link one way; ${PALLAS}`, '2026-08'),
  fallback: {
    to: 'the host',
    operators: ['NonZero', 'Unique', 'NonMaxSuppression', 'TfIdfVectorizer', 'StringNormalizer'],
    switch: measured(1.25e-4, 's', `132 thousand cycles fixed to the host; ${PALLAS}`, '2026-08'),
  },
  power: {
    idle: vendor(90, 'W', `${PAPER}, minimum`, '2023-04'),
    typical: vendor(170, 'W', `${PAPER}, mean`, '2023-04'),
    peak: vendor(192, 'W', `${PAPER}, maximum`, '2023-04'),
    operation: {
      int8: inferred(
        0.34,
        'pJ/op',
        'bfloat16 less half of what an 8-bit multiplier saves at 7 nm',
        '2023-04',
      ),
      bfloat16: inferred(0.41, 'pJ/op', '(192 − 90 W − memory) at 230 TFLOPS, the best product', '2023-04'),
    },
    memoryByte: inferred(
      32,
      'pJ/byte',
      'HBM2 3.97 pJ/bit (O’Connor, MICRO 2017); its circuits alone',
      '2017-10',
    ),
    onChipByte: inferred(
      1.75,
      'pJ/byte',
      '1 MB SRAM at 7 nm, 14 pJ for 64 bits (Jouppi, ISCA 2021)',
      '2021-06',
    ),
  },
  integerOperators: [
    'Conv',
    'ConvTranspose',
    'Gemm',
    'MatMul',
    'MaxPool',
    'Relu',
    'Clip',
    ...MOVEMENT_OPERATORS,
  ],
  errorBand: {
    latency: inferred(
      0.5,
      'share',
      'validated on matrix products and memory copies only; whole models are unvalidated',
      '2026-08',
    ),
    kinds: {
      'products bfloat16': inferred(
        0.1,
        'share',
        'matrix products of 2048³; whole models are unvalidated',
        '2026-11',
      ),
    },
    energy: inferred(
      1,
      'share',
      'derived from the chip’s minimum and maximum power; whole models are unvalidated',
      '2026-08',
    ),
  },
  fitted: ['utilisation.bfloat16'],
  caveats: [
    'TPU v4: no latency or power of a whole model on one chip is published, so nothing validates these figures',
    'TPU v4 computes int8 at the bfloat16 rate; int8 gains only by moving fewer bytes',
  ],
};
