import { invalidError } from '../errors.js';
import { packedBytes } from '../ir/dtypes.js';
import { elementCount } from '../ir/tensor.js';
import type { TensorValue, ValueMeta } from '../runtime/types.js';
import { typedArray } from './convert.js';
import type { StoredArray } from './npy.js';
import type { Table } from './table.js';

/** How the first axis of an array falls into samples. */
interface Split {
  count: number;
  /** Rows of the first axis in one sample; 0: the whole array is the one sample. */
  rows: number;
  /** The first axis counts samples only, and is not part of a sample's shape. */
  drop: boolean;
}

/**
 * Cuts an array into samples for `input`:
 * rank + 1: the first axis counts samples; equal rank: it counts batches of the input's batch size (1 when that is
 * symbolic); lower rank: the array is one sample, and fit.ts adds the batch axis. uint8 pixels (N×H×W×C, N×H×W) for
 * an image input of another rank also split on the first axis.
 */
export function arrayTable(array: StoredArray, input: ValueMeta, label: string): Table {
  const split = splitOf(array, input, label);
  const rowBytes = packedBytes(array.dtype, elementCount(array.dims.slice(1)));
  const whole = split.rows === 0;
  const dims = whole ? array.dims : [split.rows, ...array.dims.slice(1)];
  const length = whole ? packedBytes(array.dtype, elementCount(dims)) : split.rows * rowBytes;
  return {
    count: split.count,
    id: (row) => (whole ? label : `${label}[${row}]`),
    read: async (row) => {
      const bytes = await array.bytes.read(array.start + row * length, length);
      const data = typedArray(array.dtype, bytes, array.swap);
      const value: TensorValue = { dtype: array.dtype, dims: split.drop ? dims.slice(1) : dims, data };
      return { [input.name]: value };
    },
    key: [label, array.dtype, array.dims.join('x')],
    noun: 'array row',
    close: () => array.bytes.close(),
  };
}

function splitOf(array: StoredArray, input: ValueMeta, label: string): Split {
  const rank = input.dims.length;
  const [first] = array.dims;
  const whole: Split = { count: 1, rows: 0, drop: false };
  if (array.dims.length === rank + 1) return { count: first, rows: 1, drop: true };
  if (array.dims.length !== rank)
    return isPixels(array, input) ? { count: first, rows: 1, drop: true } : whole;
  const batch = input.dims[0];
  // The only axis of a vector is its content unless the model fixes how long one sample is.
  if (rank === 0 || (rank === 1 && typeof batch !== 'number')) return whole;
  const rows = typeof batch === 'number' && batch > 0 ? batch : 1;
  if (first % rows === 0) return { count: first / rows, rows, drop: false };
  throw invalidError('SAMPLE_SHAPE', `"${label}" has ${first} rows, not a multiple of the batch of ${rows}`, {
    where: { sample: label, tensor: input.name },
    hint: `Input "${input.name}" takes ${rows} rows at a time.`,
  });
}

/** A stack of uint8 images where one image has another rank than the input: N×28×28 for N×1×28×28, N×H×W×C for a vector. */
function isPixels(array: StoredArray, input: ValueMeta): boolean {
  const { dims, dtype } = array;
  if (dtype !== 'uint8') return false;
  if (dims.length === 4) return input.dims.length === 2;
  const channels: (number | string)[] = input.dims.filter((d) => d === 1 || d === 3);
  return (
    dims.length === 3 && input.dims.length === 4 && ![dims[0], dims[2]].some((d) => channels.includes(d))
  );
}
