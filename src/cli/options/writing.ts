import { HEADINGS } from './headings.js';
import { sparsity } from './parse.js';
import type { OptionSpec } from './spec.js';

/** Options of the main job and of plans that say nothing of the scheme: any of them goes with any. */
export const WRITING_OPTIONS = {
  encoding: {
    flags: '--encoding <encoding>',
    description:
      'exec: what onnxruntime runs, bit for bit as the format means. spec: the types of the ONNX standard, for other readers; default: exec, but spec for FP8 on chips of TensorRT',
    group: HEADINGS.writing,
    choices: ['exec', 'spec'],
  },
  weightOnly: {
    flags: '--weight-only <form>',
    description: 'how products of weight-only blocks of 2, 4 and 8 bits are written',
    group: HEADINGS.writing,
    default: 'qdq',
    choices: ['qdq', 'matmulnbits'],
  },
  highPrecision: {
    flags: '--high-precision <type>',
    description:
      'for chips of TensorRT: the type of all that is not quantized, scales too. Inputs and outputs stay fp32 (default fp32)',
    group: HEADINGS.writing,
    choices: ['fp32', 'fp16', 'bf16'],
  },
  scaleRule: {
    flags: '--scale-rule <rule>',
    description: 'how MX (floor, ceil, best) and NVFP4 (max, fourOverSix) choose the scale of a block',
    group: HEADINGS.writing,
    choices: ['floor', 'ceil', 'best', 'max', 'fourOverSix'],
  },
  sparsity: {
    flags: '--sparsity <pattern>',
    description: 'zero the smallest weights first: 2:4 along what is summed, or a percentage such as 50%',
    group: HEADINGS.writing,
    parse: sparsity,
  },
  rounding: {
    flags: '--rounding <rule>',
    description: 'nearest, ties to even; or stochastic, by --seed, right on average',
    group: HEADINGS.writing,
    default: 'nearest',
    choices: ['nearest', 'stochastic'],
  },
  sidecar: {
    flags: '--sidecar <file>',
    description:
      'also write the weights packed as a chip stores them, sparse ones without their zeros (safetensors)',
    group: HEADINGS.writing,
    path: true,
  },
} satisfies Record<string, OptionSpec>;

export interface WritingOptions {
  encoding?: 'exec' | 'spec';
  weightOnly?: 'qdq' | 'matmulnbits';
  highPrecision?: 'fp32' | 'fp16' | 'bf16';
  scaleRule?: 'floor' | 'ceil' | 'best' | 'max' | 'fourOverSix';
  sparsity?: '2:4' | number;
  rounding?: 'nearest' | 'stochastic';
  sidecar?: string;
}
