import { totalmem } from 'node:os';
import { unsupportedError } from '../../errors.js';
import { type Dtype, packedBytes } from '../../ir/dtypes.js';
import type { Graph } from '../../ir/model.js';
import { elementCount, tensorDtype } from '../../ir/tensor.js';
import { inferTypes, staticDims } from '../../prepare/index.js';
import type { ValueMeta } from '../../runtime/types.js';
import { liveBytes, type Problem, trainingGraph } from '../../train/index.js';

/** onnxruntime takes memory in growing pieces and leaves some of it empty: × what is alive (measured: 1.6 to 1.95). */
const ARENA = 1.75;

/**
 * Bytes that this process will take while it trains, estimated before it does: what it has now, and the training graph,
 * the forward pass that judges and the one that teaches.
 */
export async function trainingBytes(problem: Problem): Promise<number> {
  const { model } = trainingGraph(problem);
  const step = graphBytes(model.graph, await inferTypes(model));
  const forward = graphBytes(problem.model.graph, await inferTypes(problem.model));
  return process.memoryUsage().rss + step + 2 * forward;
}

/** Bytes that running a graph takes. */
export function graphBytes(graph: Graph, types: ReadonlyMap<string, ValueMeta>): number {
  const bytesOf = (name: string): number => {
    const meta = types.get(name);
    const dims = meta && staticDims(meta);
    return dims ? packedBytes((meta.dtype ?? 'float32') as Dtype, elementCount(dims)) : 0;
  };
  const standing = [...graph.inputs, ...graph.outputs].reduce(
    (sum, { name }) => sum + bytesOf(name ?? ''),
    0,
  );
  const constants = graph.initializers.reduce(
    (sum, t) => sum + packedBytes(tensorDtype(t), elementCount(t.dims)),
    0,
  );
  return ARENA * liveBytes(graph, bytesOf) + standing + constants;
}

/**
 * @param work what takes it
 * @param most bytes that it may take; by default what the machine, or the container, has
 * @throws QuantizeError TRAIN_MEMORY (unsupported)
 */
export function requireMemory(bytes: number, batch: number, most = machineBytes(), work = 'training'): void {
  if (bytes <= most) return;
  const fitting = Math.floor(batch * Math.min(0.5, most / bytes));
  throw unsupportedError(
    'TRAIN_MEMORY',
    `${work} takes about ${megabytes(bytes)} MB, and ${megabytes(most)} MB may be taken`,
    {
      hint: fitting >= 1 ? `train with --batch ${fitting}` : 'give it more with --memory, or smaller samples',
    },
  );
}

const machineBytes = (): number => {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
};

export const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
