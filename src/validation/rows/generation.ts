import type { PrecisionId, PublishedRow } from '../types.js';

const TRT_LLM = 'TensorRT-LLM v0.6.1, performance';
const MODELOPT = 'TensorRT-LLM 0.15, Model Optimizer benchmark';
const VLLM = 'vLLM 0.13, torchao inference guide';

type Sizes = [id: string, batch: number, input: number, output: number];

const tokens = (
  target: string,
  [id, batch, input, output]: Sizes,
  precision: PrecisionId,
  value: number,
  source: string,
  used: PublishedRow['used'] = 'held out',
): PublishedRow => ({
  target,
  kind: source === VLLM ? 'generation, vLLM' : 'generation',
  workload: { kind: 'generation', id, batch, input, output },
  precision,
  value,
  unit: 'tokens/s',
  used,
  source,
});

const first = (
  target: string,
  id: string,
  input: number,
  precision: PrecisionId,
  value: number,
  used: PublishedRow['used'] = 'held out',
): PublishedRow => ({
  target,
  kind: 'generation',
  workload: { kind: 'prompt', id, input },
  precision,
  value,
  unit: 'ms',
  used,
  source: `${TRT_LLM}, first token`,
});

export const GENERATION_ROWS: readonly PublishedRow[] = [
  tokens('h100-sxm', ['gpt-j', 1024, 128, 128], 'fp8', 26150, TRT_LLM),
  tokens('h100-sxm', ['gpt-j', 120, 128, 2048], 'fp8', 8011, TRT_LLM),
  tokens('h100-sxm', ['gpt-j', 64, 2048, 128], 'fp8', 2551, TRT_LLM),
  tokens('h100-sxm', ['gpt-j', 64, 2048, 2048], 'fp8', 3327, TRT_LLM),
  tokens('h100-sxm', ['llama-7b', 768, 128, 128], 'fp8', 19694, TRT_LLM),
  tokens('h100-sxm', ['llama-7b', 112, 128, 2048], 'fp8', 6818, TRT_LLM),
  tokens('h100-sxm', ['llama-7b', 80, 2048, 128], 'fp8', 2244, TRT_LLM),
  tokens('h100-sxm', ['llama-7b', 48, 2048, 2048], 'fp8', 2740, TRT_LLM),
  tokens('a100', ['gpt-j', 512, 128, 128], 'float16', 6374, TRT_LLM),
  tokens('a100', ['llama-7b', 384, 128, 128], 'float16', 5586, TRT_LLM),
  tokens('a100', ['llama-7b', 60, 128, 2048], 'float16', 1928, TRT_LLM),
  tokens('a100', ['llama-7b', 52, 2048, 128], 'float16', 591, TRT_LLM),
  first('h100-sxm', 'gpt-j', 128, 'fp8', 7),
  first('h100-sxm', 'gpt-j', 2048, 'fp8', 29, 'fit'),
  first('h100-sxm', 'llama-7b', 128, 'fp8', 7),
  first('h100-sxm', 'llama-7b', 2048, 'fp8', 36),
  first('a100', 'gpt-j', 128, 'float16', 12, 'fit'),
  first('a100', 'gpt-j', 2048, 'float16', 129),
  first('a100', 'llama-7b', 128, 'float16', 16),
  first('a100', 'llama-7b', 2048, 'float16', 133),
  tokens('h200', ['llama3-8b', 1, 2048, 128], 'bfloat16', 173.8, MODELOPT, 'fit'),
  tokens('h200', ['llama3-8b', 8, 2048, 128], 'bfloat16', 803.11, MODELOPT),
  tokens('h200', ['llama3-8b', 64, 2048, 128], 'bfloat16', 1679.74, MODELOPT),
  tokens('h200', ['llama3-8b', 1, 2048, 128], 'fp8', 245.03, MODELOPT, 'fit'),
  tokens('h200', ['llama3-8b', 8, 2048, 128], 'fp8', 1051.17, MODELOPT),
  tokens('h200', ['llama3-8b', 64, 2048, 128], 'fp8', 2190.93, MODELOPT),
  tokens('h200', ['llama3-8b', 1, 2048, 128], 'w4', 231.75, MODELOPT, 'fit'),
  tokens('h200', ['llama3-8b', 8, 2048, 128], 'w4', 599.72, MODELOPT),
  tokens('h200', ['llama3-8b', 64, 2048, 128], 'w4', 1392.78, MODELOPT, 'fit'),
  tokens('h200', ['llama3-8b', 1, 2048, 128], 'w4a8', 239.7, MODELOPT),
  tokens('h200', ['llama3-8b', 8, 2048, 128], 'w4a8', 801.72, MODELOPT),
  tokens('h200', ['llama3-8b', 64, 2048, 128], 'w4a8', 1930.86, MODELOPT),
  tokens('h200', ['llama3-70b', 1, 2048, 128], 'fp8', 43.46, MODELOPT),
  tokens('h200', ['llama3-70b', 8, 2048, 128], 'fp8', 182.07, MODELOPT),
  tokens('h200', ['llama3-70b', 64, 2048, 128], 'fp8', 420.64, MODELOPT),
  tokens('h200', ['llama3-70b', 1, 2048, 128], 'w4', 44.1, MODELOPT),
  tokens('h200', ['llama3-70b', 8, 2048, 128], 'w4', 93.98, MODELOPT),
  tokens('h200', ['llama3-70b', 64, 2048, 128], 'w4', 176.68, MODELOPT),
  tokens('h100-sxm', ['llama3-8b', 128, 32, 2048], 'bfloat16', 6612, VLLM),
  tokens('h100-sxm', ['llama3-8b', 128, 32, 2048], 'fp8-cache16', 8025.95, VLLM),
  tokens('h100-sxm', ['llama3-8b', 128, 32, 2048], 'w8', 4309.8, VLLM),
];
