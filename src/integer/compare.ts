import type { SampleSource } from '../data/types.js';
import { invalidError, QuantizeError, unsupportedError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { Executor } from './execute.js';
import { compile } from './program.js';
import { Reference } from './reference.js';
import { Tallies, WAYS, type Way } from './tallies.js';
import type { IntegerComparison } from './types.js';

export interface IntegerOptions {
  /** A quantized model: QuantizeLinear and DequantizeLinear around its operators. */
  model: Model;
  source: SampleSource;
  /** Samples at most. */
  limit: number;
  threads?: number;
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal;
}

/**
 * The integer path of a quantized model against onnxruntime: the same model with optimisations off (float simulation,
 * Q/DQ) and on (fused to integer operators, QLinear). Each layer is compared on the codes that onnxruntime gave it, so
 * that no difference is carried on; the outputs, on the integer path from the model's inputs.
 * @throws QuantizeError NO_INTEGER_LAYERS (unsupported), NO_SAMPLES, RUN_FAILED (invalid), INTERRUPTED
 */
export async function compareInteger(options: IntegerOptions): Promise<IntegerComparison> {
  const program = compile(options.model);
  if (program.units.length === 0)
    throw unsupportedError('NO_INTEGER_LAYERS', 'no layer of this model computes on quantized tensors', {
      hint: 'compare a model that `quantize` wrote with 8-bit activations: quantize compare <float> <quantized> --integer',
    });
  const executor = new Executor(program, options.threads);
  const references: Partial<Record<Way, Reference>> = {};
  try {
    references.qdq = await Reference.open(program, 'disabled', options.threads);
    references.qlinear = await Reference.open(program, 'all', options.threads);
    return await compareSamples(executor, references as Record<Way, Reference>, options);
  } finally {
    await Promise.all([executor.release(), ...WAYS.map((way) => references[way]?.release())]);
  }
}

async function compareSamples(
  executor: Executor,
  references: Record<Way, Reference>,
  { source, limit, signal, onProgress }: IntegerOptions,
): Promise<IntegerComparison> {
  const tallies = new Tallies(executor);
  let samples = 0;
  for await (const { feeds } of source.samples()) {
    if (signal?.aborted) throw new QuantizeError('interrupted', 'INTERRUPTED', 'interrupted');
    const theirs = { qdq: await references.qdq.run(feeds), qlinear: await references.qlinear.run(feeds) };
    const ours = await executor.run(feeds, (...seen) => tallies.addLayer(theirs, ...seen));
    tallies.addOutputs(ours, theirs);
    // Counted apart from the call: an optional call that is not made does not evaluate its arguments.
    samples++;
    onProgress?.(samples, Math.min(limit, source.count ?? limit));
    if (samples === limit) break;
  }
  if (samples === 0) throw invalidError('NO_SAMPLES', `there are no samples in ${source.description}`);
  return tallies.result(samples);
}
