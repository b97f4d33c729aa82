import { invalidError, usageError } from '../../errors.js';
import { packedBytes } from '../../ir/dtypes.js';
import { elementCount } from '../../ir/tensor.js';
import { arrayTable } from '../arrays.js';
import { type ByteRange, fileBytes } from '../bytes.js';
import { isSampleDtype, typedArray } from '../convert.js';
import { concat, type Table } from '../table.js';
import { onlyInput } from './single.js';
import type { Reader, ReadRequest, SampleFile } from './types.js';

export const raw: Reader = {
  id: 'raw',
  description:
    'raw little-endian binary (.bin .raw .dat) with a declared dtype and shape, samples one after the other',
  accepts: (name) => ['.bin', '.raw', '.dat'].some((extension) => name.endsWith(extension)),
  async open(files, request) {
    const input = onlyInput(request, files[0].label);
    const tables: Table[] = [];
    for (const file of files) tables.push(arrayTable(await rawArray(file, request), input, file.label));
    return concat(tables);
  },
};

async function rawArray({ path, label }: SampleFile, { inputs, options }: ReadRequest) {
  const [input] = inputs;
  const dtype = options.dtype ?? input.dtype;
  const shape = options.shape ?? inputShape(input.dims);
  if (!dtype || !shape || !isSampleDtype(dtype))
    throw usageError('RAW_SHAPE', `"${label}" is raw binary: the shape of one sample must be given`, {
      where: { file: label },
      hint: 'for example --dtype uint8 --shape 224x224x3',
    });
  const bytes = await fileBytes(path);
  const each = packedBytes(dtype, elementCount(shape));
  if (each < 1 || bytes.size % each !== 0)
    throw invalidError(
      'RAW_SIZE',
      `"${label}" holds ${bytes.size} bytes, not a multiple of the ${each} of one ${shape.join('×')} ${dtype}`,
      { where: { file: label }, hint: 'Check the declared dtype and shape.' },
    );
  if (options.dtype === undefined && dtype === 'float32') await refuseOtherBytes(bytes, each, label);
  return { dtype, dims: [bytes.size / each, ...shape], bytes, start: 0, swap: false };
}

/** Nothing that a network reads is so large. */
const LARGEST = 1e30;

/** Bytes of pixels that are taken for floats hold NaN and values of any size: then the type must be said. */
async function refuseOtherBytes(bytes: ByteRange, each: number, label: string): Promise<void> {
  const first = typedArray('float32', await bytes.read(0, Math.min(each, bytes.size)), false) as Float32Array;
  if (first.every((x) => Math.abs(x) <= LARGEST)) return;
  throw usageError(
    'RAW_DTYPE',
    `"${label}", read as float32 like the input of the model, holds no sensible numbers`,
    {
      where: { file: label },
      hint: 'say what its values are, for example --dtype uint8',
    },
  );
}

/** The model's own shape without its batch axis, when nothing in it is open. */
function inputShape(dims: (number | string)[]): number[] | undefined {
  const rest = dims.slice(1);
  return rest.every((d): d is number => typeof d === 'number' && d > 0) ? rest : undefined;
}
