import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Model } from '../ir/model.js';
import { allTensors } from '../ir/tensors.js';
import { encodeModel, saveModel } from '../onnx/index.js';
import { discard, removeOnExit } from '../onnx/leftovers.js';
import { openSession } from './session.js';
import type { Session, SessionOptions } from './types.js';

/** onnxruntime takes models below protobuf's 2 GiB from memory; larger ones it must read from files. */
const IN_MEMORY_BELOW = 1.5e9;

/**
 * Opens a model of ours in onnxruntime. A model with so much data that it does not fit one message goes through a
 * private temporary folder, which is removed on release and when the process exits.
 * @throws QuantizeError MODEL_REJECTED (invalid) with onnxruntime's reason; OUTPUT_WRITE when the temporary folder
 * has no room
 */
export async function openModel(
  model: Model,
  options: SessionOptions = {},
  inMemoryBelow = IN_MEMORY_BELOW,
): Promise<Session> {
  return tensorBytes(model) < inMemoryBelow
    ? openSession(encodeModel(model), options)
    : openThroughFiles(model, options);
}

/** Bytes of the model's constants. */
export function tensorBytes(model: Model): number {
  let total = 0;
  for (const t of allTensors(model))
    total += t.external?.length ?? (t.rawData ?? t.floatData ?? t.doubleData)?.byteLength ?? 0;
  return total;
}

async function openThroughFiles(model: Model, options: SessionOptions): Promise<Session> {
  const stored = await storeModel(model);
  try {
    const session = await openSession(stored.file, options);
    const release = async () => {
      await session.release();
      stored.discard();
    };
    return { ...session, release };
  } catch (cause) {
    stored.discard();
    throw cause;
  }
}

/** A model in a private temporary folder, for sessions that several threads open. */
export interface StoredModel {
  file: string;
  discard(): void;
}

/**
 * Writes a model where `openSession` can read it; the folder is also removed when the process exits.
 * @throws QuantizeError OUTPUT_WRITE when the temporary folder has no room
 */
export async function storeModel(model: Model): Promise<StoredModel> {
  const folder = mkdtempSync(join(tmpdir(), 'quantize-'));
  removeOnExit(folder);
  try {
    const file = join(folder, 'model.onnx');
    await saveModel(model, file, { external: true });
    return { file, discard: () => discard(folder) };
  } catch (cause) {
    discard(folder);
    throw cause;
  }
}
