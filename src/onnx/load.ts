import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { invalidError } from '../errors.js';
import type { Model } from '../ir/model.js';
import { allTensors } from '../ir/tensors.js';
import { MAX_MESSAGE_BYTES } from '../protobuf/limits.js';
import { decodeModel } from './codec.js';

export interface LoadedModel {
  model: Model;
  /**
   * Over the model file and then its external files in the order of first use, in hex. Computed when first asked
   * for, since it reads every byte of the external files.
   */
  readonly sha256: string;
  /** Size of the model file and its external files together, those that are absent as tensors state it. */
  bytes: number;
}

const HASH_STEP = 2 ** 23;

export interface LoadOptions {
  /** Shapes do: external data that is not there is an error only for who reads it (`ExternalBytes.absent`). */
  shapesOnly?: boolean;
}

/**
 * Reads a model file and checks that its external data is there; external tensors are read when they are used.
 * @throws QuantizeError (invalid) MODEL_UNREADABLE, MODEL_TOO_LARGE and those of decodeModel
 */
export function loadModel(file: string, options: LoadOptions = {}): LoadedModel {
  const bytes = readFile(file);
  const model = decodeModel(bytes, file, options.shapesOnly);
  const parts = externalFiles(model);
  let sha256: string | undefined;
  return {
    model,
    get sha256() {
      sha256 ??= hash(bytes, parts);
      return sha256;
    },
    bytes:
      bytes.length +
      absentBytes(model) +
      parts.reduce((sum, part) => sum + attempt(part, () => statSync(part).size), 0),
  };
}

/** What the tensors say that they take in the data files that are not there. */
function absentBytes(model: Model): number {
  let total = 0;
  for (const { external } of allTensors(model)) if (external?.absent) total += external.length;
  return total;
}

function externalFiles(model: Model): string[] {
  const files = new Set<string>();
  for (const { external } of allTensors(model)) if (external && !external.absent) files.add(external.file);
  return [...files];
}

function readFile(file: string): Uint8Array {
  return withFile(file, (descriptor) => {
    const { size } = fstatSync(descriptor);
    if (size > MAX_MESSAGE_BYTES)
      throw invalidError('MODEL_TOO_LARGE', `${file} has ${size} bytes; an ONNX file holds less than 2 GiB`, {
        where: { file },
        hint: 'Larger models keep their tensors in external data beside a small .onnx file: give that file.',
      });
    const bytes = new Uint8Array(size);
    let at = 0;
    for (let read = 1; read && at < size; at += read) read = readSync(descriptor, bytes, at, size - at, at);
    return bytes.subarray(0, at);
  });
}

function hash(bytes: Uint8Array, files: readonly string[]): string {
  const digest = createHash('sha256').update(bytes);
  const step = new Uint8Array(HASH_STEP);
  for (const file of files)
    withFile(file, (descriptor) => {
      for (let at = 0, read = 1; read; at += read) {
        read = readSync(descriptor, step, 0, step.length, at);
        digest.update(step.subarray(0, read));
      }
    });
  return digest.digest('hex');
}

/** Opens a regular file for reading; anything else (a folder, a pipe) could block or never end. */
function withFile<T>(file: string, use: (descriptor: number) => T): T {
  return attempt(file, () => {
    if (!statSync(file).isFile()) throw unreadable(file, 'it is not a regular file');
    const descriptor = openSync(file, 'r');
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (cause instanceof Error && 'syscall' in cause)
      throw unreadable(file, REASONS[code] ?? cause.message, cause);
    throw cause;
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'permission denied',
  ELOOP: 'its links go in a circle',
  ENAMETOOLONG: 'its name is too long',
};

const unreadable = (file: string, why: string, cause?: unknown) =>
  invalidError('MODEL_UNREADABLE', `cannot read ${file}: ${why}`, {
    where: { file },
    hint: 'Give the path of an .onnx file that you may read.',
    cause,
  });
