import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { invalidError } from '../../errors.js';
import type { Tensor } from '../../ir/model.js';
import { tensorBytes, tensorDtype } from '../../ir/tensor.js';
import { decodeTensor } from '../../onnx/tensor.js';
import type { TensorValue, ValueMeta } from '../../runtime/types.js';
import { typedArray } from '../convert.js';
import type { Table } from '../table.js';
import { list } from './single.js';
import type { Reader, ReadRequest, SampleFile } from './types.js';

/** One tensor, not a model: anything larger than this is the wrong file. */
const MAX_PB_BYTES = 2 ** 31 - 1;

export const pb: Reader = {
  id: 'pb',
  description: 'ONNX tensors: test_data_set_* folders of input_0.pb, input_1.pb, …, or single .pb files',
  accepts: (name) => name.endsWith('.pb') && !/^output_\d+\.pb$/.test(basename(name)),
  async open(files, request) {
    const sets = /^input_\d+\.pb$/.test(basename(files[0].path)) ? dataSets(files) : files.map((f) => [f]);
    const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
    const table: Table = {
      count: sets.length,
      id: (row) => setName(sets[row]),
      read: (row) => readSet(sets[row], request),
      key: files.map(({ label }, i) => `${label}:${sizes[i]}`),
      noun: 'data set',
      close: async () => {},
    };
    return table;
  },
};

/** Files input_0.pb, input_1.pb, … of the same folder are one sample. */
function dataSets(files: SampleFile[]): SampleFile[][] {
  const sets = new Map<string, SampleFile[]>();
  for (const file of files) {
    const set = sets.get(dirname(file.path));
    if (set) set.push(file);
    else sets.set(dirname(file.path), [file]);
  }
  return [...sets.values()];
}

const setName = (set: SampleFile[]): string =>
  /^input_\d+\.pb$/.test(basename(set[0].path)) ? basename(dirname(set[0].path)) : set[0].label;

async function readSet(set: SampleFile[], { inputs }: ReadRequest): Promise<Record<string, TensorValue>> {
  if (set.length < inputs.length)
    throw invalidError(
      'SAMPLE_KEYS',
      `"${setName(set)}" has ${set.length} tensors; the model takes ${list(inputs.map((i) => i.name))}`,
      { where: { sample: setName(set) }, hint: 'Each sample needs one input_<i>.pb for every input.' },
    );
  const tensors = await Promise.all(set.map(readTensor));
  const names = new Set(tensors.map((tensor) => tensor.name));
  const named = inputs.every((input) => names.has(input.name));
  const value = (input: ValueMeta, i: number) =>
    tensorValue(named ? tensors.find((t) => t.name === input.name)! : tensors[i], set[i].label);
  return Object.fromEntries(inputs.map((input, i) => [input.name, value(input, i)]));
}

async function readTensor({ path, label }: SampleFile): Promise<Tensor> {
  const { size } = await stat(path);
  if (size > MAX_PB_BYTES) throw unreadable(label, `it has ${size} bytes`);
  try {
    return decodeTensor(new Uint8Array(await readFile(path)), label);
  } catch (cause) {
    throw unreadable(label, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const unreadable = (label: string, reason: string, cause?: unknown) =>
  invalidError('SAMPLE_PB', `"${label}" is not an ONNX tensor: ${reason}`, { where: { file: label }, cause });

/** Throws TENSOR_SIZE or SAMPLE_DTYPE as tensorBytes and typedArray do. */
function tensorValue(tensor: Tensor, label: string): TensorValue {
  const dtype = tensorDtype(tensor);
  if (dtype === 'string') throw unreadable(label, 'it holds strings');
  return { dtype, dims: tensor.dims, data: typedArray(dtype, tensorBytes(tensor)) };
}
