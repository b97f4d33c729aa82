import { basename } from 'node:path';
import { allGraphs } from '../ir/graph.js';
import type { Model, Tensor } from '../ir/model.js';
import { tensorBytes } from '../ir/tensor.js';
import { type Encoded, encode, type Replace } from '../protobuf/encode.js';
import { createPending, type PendingFile } from './atomic.js';
import { checkSize, encodeInline } from './codec.js';
import { EXTERNAL, inlineTensor } from './external.js';
import { MODEL } from './schema.js';

export interface SaveOptions {
  /** Put initializers into `<file>.data`. Default: only when one file would pass EXTERNAL_ABOVE. */
  external?: boolean;
}

/** Below protobuf's 2 GiB, with room for what readers add. */
const EXTERNAL_ABOVE = 1.9e9;
/** Smaller tensors stay in the model file, where shape inference looks for shapes and axes. */
const EXTERNAL_TENSOR = 1024;
/** Large tensors start on a page so that a runtime can map them; small ones on a cache line. */
const alignment = (length: number): number => (length >= 2 ** 20 ? 4096 : 64);

/**
 * Writes the model, whole or not at all. Returns the paths written: the model file, and `<file>.data` when tensors
 * went there. External tensors of the input are copied one at a time, so memory stays at the largest of them.
 * @throws QuantizeError OUTPUT_WRITE; MODEL_TOO_LARGE when 2 GiB would remain in the model file; EXTERNAL_DATA_*
 * when the input's own data file has vanished
 */
export async function saveModel(model: Model, file: string, options: SaveOptions = {}): Promise<string[]> {
  const encoded = encodeInline(model);
  if (!(options.external ?? encoded.length > EXTERNAL_ABOVE)) {
    checkSize(encoded.length);
    return save([[file, encoded]]);
  }
  const dataFile = `${file}.data`;
  const layout = layOut(model, basename(dataFile));
  const rest = encode(MODEL, model, layout.replace);
  checkSize(rest.length);
  return save([
    [dataFile, layout.data],
    [file, rest],
  ]);
}

/** Writes all files before the first is put in place; the model, which refers to the others, comes last. */
async function save(files: readonly [string, Pick<Encoded, 'chunks'>][]): Promise<string[]> {
  const pending: PendingFile[] = [];
  try {
    for (const [file, { chunks }] of files) {
      const target = await createPending(file);
      pending.push(target);
      for (const chunk of chunks) await target.write(chunk instanceof Uint8Array ? chunk : chunk.read());
    }
    for (const target of pending) await target.commit();
  } catch (cause) {
    for (const target of pending) await target.abandon();
    throw cause;
  }
  return pending.map((p) => p.path).reverse();
}

/** Where each large initializer goes in the data file. */
function layOut(model: Model, location: string): { replace: Replace; data: Pick<Encoded, 'chunks'> } {
  const moved = new Map<object, Tensor>();
  const chunks: Encoded['chunks'] = [];
  let end = 0;
  for (const tensor of initializers(model)) {
    const length = movableBytes(tensor);
    if (length < EXTERNAL_TENSOR || moved.has(tensor)) continue;
    const offset = Math.ceil(end / alignment(length)) * alignment(length);
    if (offset > end) chunks.push(new Uint8Array(offset - end));
    chunks.push({ length, read: () => tensorBytes(tensor) });
    moved.set(tensor, external(tensor, { location, offset: `${offset}`, length: `${length}` }));
    end = offset + length;
  }
  const replace: Replace = (schema, message) =>
    (moved.get(message) as Record<string, unknown> | undefined) ?? inlineTensor(schema, message);
  return { replace, data: { chunks } };
}

function* initializers(model: Model): Generator<Tensor> {
  for (const graph of allGraphs(model.graph)) yield* graph.initializers;
}

/** Bytes that can move to a data file; 0 for tensors stored in other ways than plain bytes. */
function movableBytes(tensor: Tensor): number {
  return tensor.external?.length ?? (tensor.rawData ?? tensor.floatData ?? tensor.doubleData)?.length ?? 0;
}

function external(tensor: Tensor, entries: Record<string, string>): Tensor {
  return {
    name: tensor.name,
    dims: tensor.dims,
    dataType: tensor.dataType,
    docString: tensor.docString,
    metadata: tensor.metadata,
    unknown: tensor.unknown,
    dataLocation: EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  };
}
