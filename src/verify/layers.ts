import { JointHistogram } from '../../kernels/divergence.js';
import type { SampleSource } from '../data/types.js';
import { dtypeNumber, packedBytes } from '../ir/dtypes.js';
import { cloneModel } from '../ir/graph.js';
import type { Model, ValueInfo } from '../ir/model.js';
import { openModel } from '../runtime/index.js';
import type { Session, ValueMeta } from '../runtime/types.js';
import { addSums, type ErrorSums, emptySums, floatElements, sqnrDb } from './errorsums.js';
import { fetch, takeSamples, withSessions } from './sessions.js';
import type { LayerMetrics } from './types.js';

/** Bytes of activations that one group of tensors may hold, for each of the two models. */
const GROUP_BYTES = 64 * 2 ** 20;

export interface LayerOptions {
  float: Model;
  quantized: Model;
  /** Types of the float model's values. */
  types: Map<string, ValueMeta>;
  source: SampleSource;
  /** Default: every float32 value that both models compute under the same name, in the graph's order. */
  tensors?: readonly string[];
  /** Samples to average over; default 4. */
  limit?: number;
  threads?: number;
  groupBytes?: number;
  signal?: AbortSignal;
}

/**
 * SQNR at each intermediate tensor, on the models as they stand: the error accumulated from the input to there.
 * Tensors are taken in groups of bounded size, each group one pass over the samples, so memory does not grow with
 * the network. Optimisations are kept off, since a fused operator has no intermediate values to look at.
 */
export async function compareLayers(options: LayerOptions): Promise<LayerMetrics[]> {
  const names = options.tensors ?? commonTensors(options.float, options.quantized, options.types);
  const metrics: LayerMetrics[] = [];
  for (const group of groups(names, options.types, options.groupBytes ?? GROUP_BYTES))
    metrics.push(...(await compareGroup(group, options)));
  return metrics;
}

/** Names that both graphs compute as float32, in the order of the first. */
export function commonTensors(float: Model, quantized: Model, types: Map<string, ValueMeta>): string[] {
  const theirs = new Set(quantized.graph.nodes.flatMap((node) => node.outputs));
  return float.graph.nodes
    .flatMap((node) => node.outputs)
    .filter((name) => name !== '' && theirs.has(name) && types.get(name)?.dtype === 'float32');
}

/** Splits names into runs of at most `limit` bytes; a tensor larger than that stands alone. Unknown dims count as 1. */
export function groups(names: readonly string[], types: Map<string, ValueMeta>, limit: number): string[][] {
  const result: string[][] = [];
  let room = 0;
  for (const name of names) {
    const dims = types.get(name)?.dims ?? [];
    const bytes = packedBytes(
      'float32',
      dims.reduce<number>((n, d) => n * (typeof d === 'number' && d > 0 ? d : 1), 1),
    );
    if (result.length === 0 || bytes > room) {
      result.push([]);
      room = limit;
    }
    result[result.length - 1].push(name);
    room -= bytes;
  }
  return result;
}

const compareGroup = (names: string[], options: LayerOptions): Promise<LayerMetrics[]> =>
  withSessions(
    [options.float, options.quantized].map(
      (model) => () => openModel(exposing(model, names), plain(options)),
    ),
    ([float, quantized]) => sumGroup(names, float, quantized, options),
  );

const plain = (options: LayerOptions) => ({ optimize: 'disabled', threads: options.threads }) as const;

async function sumGroup(
  names: string[],
  float: Session,
  quantized: Session,
  options: LayerOptions,
): Promise<LayerMetrics[]> {
  const sums = new Map<string, ErrorSums>(names.map((name) => [name, emptySums()]));
  const joint = new Map(names.map((name) => [name, new JointHistogram()]));
  for await (const sample of takeSamples(options.source, options.limit ?? 4, options.signal)) {
    const x = await fetch(float, sample.feeds, names);
    const y = await fetch(quantized, sample.feeds, names);
    for (const name of names) {
      const a = floatElements(x[name]);
      const b = floatElements(y[name]);
      if (!a || !b || a.length !== b.length) continue;
      addSums(sums.get(name)!, a, b);
      joint.get(name)!.add(a, b);
    }
  }
  return names.map((tensor) => {
    const own = sums.get(tensor)!;
    const { entropy, mutual, divergence } = joint.get(tensor)!.information;
    const information = { entropyBits: entropy, mutualBits: mutual, divergenceBits: divergence };
    return { tensor, sqnrDb: sqnrDb(own), maxAbsError: own.maxAbsError, ...information };
  });
}

/** A copy of the model whose only outputs are the named values, as float32 of any shape. */
function exposing(model: Model, names: readonly string[]): Model {
  const copy = cloneModel(model);
  copy.graph.outputs = names.map(
    (name): ValueInfo => ({ name, type: { tensor: { elemType: dtypeNumber('float32') } } }),
  );
  return copy;
}
