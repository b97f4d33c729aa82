import { normals, uniform } from '../../kernels/random.js';
import { unsupportedError } from '../errors.js';
import { elementCount } from '../ir/tensor.js';
import type { Feeds, TensorValue, ValueMeta } from '../runtime/types.js';
import { convert, isSampleDtype, newArray } from './convert.js';
import type { SampleOptions } from './types.js';

export const DEFAULT_SYNTHETIC = 32;
/** Sizes for dimensions that nobody fixed: one sample a batch, images of ImageNet's size, short sequences. */
const OPEN_SIDE = 224;
const OPEN_LENGTH = 16;
/** Integers are mostly token ids, and every vocabulary has the first few. */
const MAX_TOKEN = 32;
/** 256 MB of float32, many times the largest real input: beyond it the model's file is lying. */
const MOST_ELEMENTS = 2 ** 26;

/**
 * Sample `index` of a made-up set: standard normal floats, small integers, coin flips for bool. It depends on the seed and
 * its index alone.
 */
export function syntheticFeeds(inputs: ValueMeta[], options: SampleOptions, index: number): Feeds {
  const next = uniform((options.seed ?? 0) * 1_000_003 + index * 7_919 + 1);
  const sizes = { ...namedSizes(inputs), ...options.dims };
  return Object.fromEntries(inputs.map((input) => [input.name, syntheticValue(input, sizes, next)]));
}

function syntheticValue(input: ValueMeta, sizes: Record<string, number>, next: () => number): TensorValue {
  const { dtype } = input;
  if (!dtype || !isSampleDtype(dtype))
    throw unsupportedError(
      'SYNTHETIC_INPUT',
      `no synthetic values for input "${input.name}" of type ${dtype ?? 'sequence, map or optional'}`,
      { where: { tensor: input.name }, hint: 'Give calibration data.' },
    );
  const dims = input.dims.map((d, axis) => sizeOf(input, axis, typeof d === 'string' ? sizes[d] : undefined));
  const length = elementCount(dims);
  if (length > MOST_ELEMENTS)
    throw unsupportedError(
      'SYNTHETIC_INPUT',
      `input "${input.name}" [${dims.join(', ')}] is too large to make up`,
      { where: { tensor: input.name }, hint: 'Give calibration data, or smaller sizes with --dim.' },
    );
  if (dtype.startsWith('float')) {
    const values = Float32Array.from({ length }, normals(next));
    const where = { sample: 'synthetic', tensor: input.name };
    return { dtype, dims, data: convert(values, 'float32', dtype, where) };
  }
  const data = newArray(dtype, length);
  const below = dtype === 'bool' ? 2 : dtype === 'uint8' ? 256 : MAX_TOKEN;
  for (let i = 0; i < length; i++) {
    const value = dims.length === 0 ? 1 : Math.floor(next() * below);
    data[i] = typeof data[i] === 'bigint' ? BigInt(value) : value;
  }
  return { dtype, dims, data };
}

/** One size for each name, whichever inputs have it: a name that counts samples anywhere does so everywhere. */
function namedSizes(inputs: readonly ValueMeta[]): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const input of inputs)
    input.dims.forEach((d, axis) => {
      if (typeof d === 'string')
        sizes[d] = axis === 0 ? sizeOf(input, axis) : (sizes[d] ?? sizeOf(input, axis));
    });
  return sizes;
}

/** @param named what is known of the dimension's name */
function sizeOf({ dims }: ValueMeta, axis: number, named?: number): number {
  const size = dims[axis];
  if (typeof size === 'number' && size >= 0) return size;
  if (named !== undefined) return named;
  if (axis === 0) return 1;
  const isImage = dims.length === 4 && dims.some((d) => d === 1 || d === 3);
  return isImage ? OPEN_SIDE : OPEN_LENGTH;
}
