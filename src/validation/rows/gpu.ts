import type { PrecisionId, PublishedRow } from '../types.js';

const FIRST = 'DeepGEMM, first release, H800';
const SECOND = 'DeepGEMM, March 2025, H800';
const MAMF = 'stas00/ml-engineering, maximum achievable matrix product';
const MLPERF = 'MLPerf Inference v3.0, offline';
const MLPERF_41 = 'MLPerf Inference v4.1, eight chips, offline';
const TENSORRT = 'TensorRT 8.4, quantization toolkit documentation';
const SINGLE = 'MLPerf Inference v3.0, single stream, median';
const MULTI = 'MLPerf Inference v3.0, multi-stream, median';
const BERT = 'TensorRT BERT demo, mean';

type Used = PublishedRow['used'];

const product = (
  target: string,
  [m, n, k]: [number, number, number],
  precision: PrecisionId,
  value: number,
  source: string,
  used: Used = 'held out',
): PublishedRow => ({
  target,
  kind: 'products',
  workload: { kind: 'product', m, n, k },
  precision,
  value,
  unit: 'TFLOPS',
  used,
  source,
});

const network = (
  kind: PublishedRow['kind'],
  target: string,
  [id, batch, sequence]: [string, number, number?],
  precision: PrecisionId,
  value: number,
  source: string,
  used: Used = 'held out',
): PublishedRow => ({
  target,
  kind,
  workload: { kind: 'network', id, batch, sequence },
  precision,
  value,
  unit: source.endsWith('offline') ? 'samples/s' : 'ms',
  used,
  source,
});

/** n, k; TFLOPS at m = 64, at m = 4096 in the first release and in the second. */
const DEEPGEMM: [number, number, number, number, number][] = [
  [2112, 7168, 206, 1058, 1009],
  [24576, 1536, 289, 990, 1125],
  [32768, 512, 219, 590, 751],
  [7168, 16384, 336, 1358, 1426],
  [4096, 7168, 287, 1304, 1265],
  [7168, 2048, 295, 1025, 1168],
];

/** BERT-base, float16, batch 128. */
const FITTED = 16.14;
const CNN = 'convolutions';
const BERTS: [string, number, number, PrecisionId, number][] = [
  ['bert-base', 128, 1, 'int8', 0.58],
  ['bert-base', 128, 8, 'int8', 0.95],
  ['bert-base', 128, 32, 'int8', 2.27],
  ['bert-base', 128, 128, 'int8', 8.18],
  ['bert-base', 128, 1, 'float16', 0.67],
  ['bert-base', 128, 8, 'float16', 1.38],
  ['bert-base', 128, 32, 'float16', 4.1],
  ['bert-base', 128, 128, 'float16', 16.14],
  ['bert-large', 128, 1, 'int8', 1.25],
  ['bert-large', 128, 128, 'int8', 25.45],
  ['bert-large', 128, 1, 'float16', 1.64],
  ['bert-large', 128, 128, 'float16', 51.61],
  ['bert-large', 384, 1, 'int8', 2.81],
  ['bert-large', 384, 8, 'int8', 7.16],
  ['bert-large', 384, 32, 'int8', 23.17],
  ['bert-large', 384, 128, 'int8', 89.01],
  ['bert-large', 384, 1, 'float16', 3.12],
  ['bert-large', 384, 8, 'float16', 11.53],
  ['bert-large', 384, 32, 'float16', 43.01],
  ['bert-large', 384, 128, 'float16', 163.7],
];

/** KiTS19: windows of a case in the mean, from the rows of A100 and H100 together. */
const WINDOWS = 67;
const windows = (target: string, value: number, source: string, used: Used = 'held out'): PublishedRow => ({
  ...network(CNN, target, ['unet3d', 1], 'int8', value, source, used),
  workload: { kind: 'network', id: 'unet3d', batch: 1, runs: WINDOWS },
});

export const GPU_ROWS: readonly PublishedRow[] = [
  ...DEEPGEMM.flatMap(([n, k, small, first, second]) => [
    product('h100-sxm', [64, n, k], 'fp8', small, SECOND, 'fit'),
    product('h100-sxm', [4096, n, k], 'fp8', first, FIRST),
    product('h100-sxm', [4096, n, k], 'fp8', second, SECOND, 'fit'),
  ]),
  product('h100-sxm', [1024, 4096, 7168], 'fp8', 1233, SECOND),
  product('h100-sxm', [1024, 7168, 2048], 'fp8', 925, SECOND),
  product('h100-sxm', [1024, 9216, 14336], 'fp8', 1402.6, MAMF),
  product('h100-sxm', [2048, 2048, 13312], 'bfloat16', 794.5, MAMF),
  product('h200', [1280, 4096, 12032], 'fp8', 1453.4, MAMF),
  // The shapes of A100’s records are not stated; this is H100’s.
  product('a100', [2048, 2048, 13312], 'bfloat16', 271.2, MAMF, 'fit'),
  network(CNN, 'h100-sxm', ['resnet50', 256], 'int8', 91825.7, MLPERF, 'fit'),
  network(CNN, 'h100-pcie', ['resnet50', 256], 'int8', 56635, MLPERF),
  network(CNN, 'h200', ['resnet50', 256], 'int8', 94620, MLPERF_41),
  network(CNN, 'a100', ['resnet50', 256], 'int8', 42379.3, MLPERF),
  network(CNN, 'l4', ['resnet50', 32], 'int8', 13157.8, MLPERF, 'fit'),
  network(CNN, 'l4', ['resnet50', 1], 'int8', 0.328, SINGLE),
  network(CNN, 'l4', ['resnet50', 8], 'int8', 0.7974, MULTI),
  network(CNN, 'a100', ['resnet50', 1], 'int8', 0.4534, SINGLE),
  network(CNN, 'a100', ['resnet50', 8], 'int8', 0.6426, MULTI),
  network(CNN, 'a100', ['resnet50', 1], 'int8', 0.46, TENSORRT, 'fit'),
  network(CNN, 'a100', ['resnet101', 1], 'int8', 0.84, TENSORRT, 'fit'),
  network(CNN, 'a100', ['mobilenetv1', 1], 'int8', 0.16, TENSORRT, 'fit'),
  network(CNN, 'a100', ['mobilenetv2', 1], 'int8', 0.3, TENSORRT),
  network(CNN, 'a100', ['resnet50v2', 1], 'int8', 0.57, TENSORRT),
  network(CNN, 'a100', ['resnet101v2', 1], 'int8', 1.05, TENSORRT),
  network(CNN, 'a100', ['efficientnet-b0', 1], 'int8', 0.67, TENSORRT),
  network(CNN, 'a100', ['efficientnet-b3', 1], 'int8', 1.24, TENSORRT),
  network(CNN, 'a100', ['inceptionv3', 1], 'int8', 0.82, TENSORRT),
  network(CNN, 'h100-sxm', ['resnet50', 256], 'int8', 88740, MLPERF_41),
  windows('h100-sxm', 6.86989, MLPERF, 'fit'),
  windows('h100-sxm', 6.462, MLPERF_41),
  windows('h100-pcie', 4.67163, MLPERF),
  windows('h200', 6.827, MLPERF_41),
  windows('a100', 3.84804, MLPERF, 'fit'),
  windows('l4', 1.06539, MLPERF),
  ...BERTS.map(([id, sequence, batch, precision, ms]) =>
    network(
      'transformers',
      'a100',
      [id, batch, sequence],
      precision,
      ms,
      BERT,
      ms === FITTED ? 'fit' : 'held out',
    ),
  ),
];
