import type { SampleSource } from '../data/types.js';
import { executableModel } from '../emit/index.js';
import { lint } from '../lint/index.js';
import { decodeModel, encodeModel } from '../onnx/index.js';
import type { Plan } from '../plan/types.js';
import { openModel } from '../runtime/index.js';
import { alike } from '../verify/index.js';
import type { Outcome } from './produce.js';
import { type Job, note } from './stages.js';

/** Samples on which what is written is held against what was measured. */
const SAMPLES = 2;

/**
 * Holds a model that is written for TensorRT against TensorRT's rules; and, where it is not the form that was measured
 * (FP8), reads it back from its bytes and runs both. Says what it finds.
 */
export async function checkPlaced(
  job: Job,
  { quantized, runs, plan }: Pick<Outcome, 'quantized' | 'runs'> & { plan: Plan },
  source: SampleSource,
): Promise<void> {
  for (const { rule, message, node, tensor } of lint(quantized, 'tensorrt'))
    note(job, {
      level: 'warning',
      code: 'TENSORRT_RULE',
      message: `${rule}: ${message}`,
      where: { node, tensor },
    });
  if (quantized === runs) return;
  const options = { optimize: 'disabled', threads: job.options.threads } as const;
  const { samples, sqnrDb } = await alike(
    [
      () => openModel(runs, options),
      () => openModel(executableModel(decodeModel(encodeModel(quantized))), options),
    ],
    source,
    SAMPLES,
    job.options.signal,
  );
  const equal = `equal bit for bit to the form that was measured, on ${samples} samples`;
  note(job, {
    level: sqnrDb === null ? 'note' : 'warning',
    code: 'READ_BACK',
    message: `the file, read back: ${sqnrDb === null ? equal : `${sqnrDb.toFixed(1)} dB from the form that was measured`}. No TensorRT was here; ${inOnnxruntime(plan)}`,
  });
}

/** What onnxruntime makes of the file itself. */
function inOnnxruntime({ highPrecision, activations, encoding }: Plan): string {
  if (highPrecision === 'bf16') return 'onnxruntime’s CPU provider has no kernels of bfloat16';
  const float8 = encoding === 'spec' && activations.some((a) => a.format.startsWith('fp8'));
  return float8
    ? 'onnxruntime opens the file at its basic level of optimisation only (or write it with --encoding exec)'
    : 'onnxruntime opens the file, and computes in float32 where it has no kernel of float16';
}
