import type { PublishedRow } from '../types.js';
import { GENERATION_ROWS } from './generation.js';
import { GPU_ROWS } from './gpu.js';
import { NEURAL_ENGINE_ROWS } from './neural-engine.js';

const PALLAS = 'third-party Pallas TPU tutorial, whole chip, without the dispatch';

const tpu = (value: number, source: string, used: PublishedRow['used']): PublishedRow => ({
  target: 'tpu-v4',
  kind: 'products',
  workload: { kind: 'product', m: 2048, n: 2048, k: 2048 },
  precision: 'bfloat16',
  value,
  unit: 'µs',
  used,
  source,
});

/** Published measurements that the cost model is held against. */
export const PUBLISHED_ROWS: readonly PublishedRow[] = [
  ...NEURAL_ENGINE_ROWS,
  ...GPU_ROWS,
  ...GENERATION_ROWS,
  tpu(80.3, `${PALLAS}, XLA`, 'held out'),
  tpu(71.19, `${PALLAS}, XLA fusion alone`, 'held out'),
  tpu(74.71, `${PALLAS}, best kernel`, 'fit'),
];
