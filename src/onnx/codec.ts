import { dirname } from 'node:path';
import { invalidError, QuantizeError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { allTensors } from '../ir/tensors.js';
import { decode } from '../protobuf/decode.js';
import { type Encoded, encode } from '../protobuf/encode.js';
import { MAX_MESSAGE_BYTES } from '../protobuf/limits.js';
import { inlineTensor, resolveExternal } from './external.js';
import { MODEL } from './schema.js';
import { sniff } from './sniff.js';

/**
 * Reads an ONNX model. Tensor bytes are views of `bytes`, which must stay as it is while the model is in use.
 * With `file`, external tensors are found in its folder and checked (they are read later, one at a time); without
 * it they stay unresolved references. `mayLack`: their data files need not exist.
 * @throws QuantizeError (invalid) MODEL_NOT_ONNX, MODEL_TRUNCATED, MODEL_MALFORMED, MODEL_TOO_COMPLEX,
 * EXTERNAL_DATA_*
 */
export function decodeModel(bytes: Uint8Array, file?: string, mayLack = false): Model {
  // A Buffer's slice() does not copy; the rest of the code relies on that of Uint8Array, which does.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const model = decodeOnnx(plain, file);
  if (file !== undefined) {
    const folder = dirname(file);
    for (const tensor of allTensors(model)) resolveExternal(tensor, folder, mayLack);
  }
  return model;
}

function decodeOnnx(bytes: Uint8Array, file?: string): Model {
  let model: Partial<Model> | undefined;
  let failure: unknown;
  try {
    model = decode<Partial<Model>>(MODEL, bytes, file);
  } catch (cause) {
    if (!(cause instanceof QuantizeError) || !sniff(bytes)) throw cause;
    failure = cause;
  }
  if (model?.graph) return model as Model;
  const known = sniff(bytes);
  throw invalidError('MODEL_NOT_ONNX', `this is not an ONNX model${known ? `: it is ${known.what}` : ''}`, {
    where: { file },
    hint: known?.hint ?? 'The file holds no graph. Is it the .onnx file, complete?',
    cause: failure,
  });
}

/** The model as chunks; external tensors become part of it and are read when their chunk's turn comes. */
export const encodeInline = (model: Model): Encoded => encode(MODEL, model, inlineTensor);

/** Bytes of the model with its external tensors, without encoding any of them. */
export const encodedSize = (model: Model): number => encodeInline(model).length;

/** @throws QuantizeError MODEL_TOO_LARGE (invalid) */
export function checkSize(length: number): void {
  if (length > MAX_MESSAGE_BYTES)
    throw invalidError(
      'MODEL_TOO_LARGE',
      `the model takes ${length} bytes; one ONNX file holds less than 2 GiB`,
      {
        hint: 'Save it with external data.',
      },
    );
}

/**
 * The model as the bytes of one file. External tensors that were resolved are read in and become part of it.
 * @throws QuantizeError MODEL_TOO_LARGE (invalid) beyond protobuf's 2 GiB: use saveModel, which splits
 */
export function encodeModel(model: Model): Uint8Array {
  const { length, chunks } = encodeInline(model);
  checkSize(length);
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk instanceof Uint8Array ? chunk : chunk.read(), at);
    at += chunk.length;
  }
  return out;
}
