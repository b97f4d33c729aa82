import { MOVEMENT_OPERATORS } from './operators.js';
import type { Target } from './types.js';

const DOCS = 'cloud.google.com/tpu/docs/v4';
const PALLAS = 'third-party Pallas TPU tutorial, measured on v4';

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
  floatFormat: 'bfloat16',
  kernelOutputs: 'float',
  peak: {
    int8: { value: 275e12, unit: 'op/s', kind: 'vendor', source: DOCS, date: '2026-08' },
    bfloat16: { value: 275e12, unit: 'op/s', kind: 'vendor', source: DOCS, date: '2026-08' },
  },
  utilisation: {
    int8: {
      value: 0.8,
      unit: 'share',
      kind: 'inferred',
      source: 'taken from bfloat16: the same arrays at the same rate',
      date: '2026-08',
    },
    bfloat16: {
      value: 0.8,
      unit: 'share',
      kind: 'measured',
      source: `2048³ product: XLA 77.7 %, best Pallas kernel 83.5 %; ${PALLAS}`,
      date: '2026-08',
    },
  },
  outputLanes: {
    value: 128,
    unit: 'channels',
    kind: 'vendor',
    source: `width of one systolic array, ${DOCS}`,
    date: '2026-08',
  },
  memory: {
    bytes: { value: 32 * 2 ** 30, unit: 'bytes', kind: 'vendor', source: DOCS, date: '2026-08' },
    bandwidth: { value: 1.2e12, unit: 'bytes/s', kind: 'vendor', source: DOCS, date: '2026-08' },
    efficiency: {
      value: 0.83,
      unit: 'share',
      kind: 'measured',
      source: `970 GB/s read, 1020–1070 GB/s write of 1200; ${PALLAS}`,
      date: '2026-08',
    },
    onChipBytes: {
      value: 128 * 2 ** 20,
      unit: 'bytes',
      kind: 'vendor',
      source: 'CMEM, shared by both cores; Jouppi et al., arXiv:2304.01433',
      date: '2023-04',
    },
  },
  overhead: {
    dispatch: {
      value: 4e-5,
      unit: 's',
      kind: 'measured',
      source: `20–60 thousand cycles of runtime code a program, 19–57 µs; ${PALLAS}`,
      date: '2026-08',
    },
    kernel: {
      value: 1e-6,
      unit: 's',
      kind: 'inferred',
      source: `two transfers of about 450 cycles start-up at 1.05 GHz; ${PALLAS}`,
      date: '2026-08',
    },
  },
  power: {
    idle: { value: 90, unit: 'W', kind: 'vendor', source: 'arXiv:2304.01433, minimum', date: '2023-04' },
    peak: { value: 192, unit: 'W', kind: 'vendor', source: 'arXiv:2304.01433, maximum', date: '2023-04' },
    operation: {
      int8: {
        value: 0.44,
        unit: 'pJ/op',
        kind: 'inferred',
        source: 'taken from bfloat16; no int8 power of this chip is published',
        date: '2023-04',
      },
      bfloat16: {
        value: 0.44,
        unit: 'pJ/op',
        kind: 'inferred',
        source: '(192 − 90) W at 230 TFLOPS, the best measured matrix product',
        date: '2023-04',
      },
    },
    memoryByte: {
      value: 32,
      unit: 'pJ/byte',
      kind: 'inferred',
      source: 'HBM2 3.97 pJ/bit (O’Connor, MICRO 2017); the input and output circuits alone',
      date: '2017-10',
    },
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
    latency: {
      value: 0.5,
      unit: 'share',
      kind: 'inferred',
      source: 'validated on one matrix product and on memory copies only; whole models are unvalidated',
      date: '2026-08',
    },
    energy: {
      value: 1,
      unit: 'share',
      kind: 'inferred',
      source: 'derived from the chip’s minimum and maximum power; whole models are unvalidated',
      date: '2026-08',
    },
  },
  caveats: [
    'TPU v4: no latency or power of a whole model on one chip is published, so nothing validates these figures',
    'TPU v4 computes int8 at the bfloat16 rate; int8 gains only by moving fewer bytes',
  ],
};
