import { invalidError } from '../errors.js';
import { elementCount } from '../ir/tensor.js';
import type { TensorValue, TypedArray, ValueMeta } from '../runtime/types.js';
import { convert } from './convert.js';
import { decodeImage, type Picture, resizePicture } from './picture.js';
import { type ImagePlan, toTensor } from './preprocess.js';
import type { RawValue } from './table.js';

/** An input with the ways to fill it: `files` for image files, `pixels` for uint8 arrays of pixels. */
export interface Slot {
  input: ValueMeta;
  files?: ImagePlan;
  pixels?: ImagePlan;
}

/**
 * A raw value as the tensor that an input takes: decoded, resized and normalised when it is an image; cast, and given
 * the batch axis, when it is an array.
 * @throws SAMPLE_SHAPE, SAMPLE_DTYPE, SAMPLE_IMAGE (invalid) naming the sample
 */
export async function fitToInput(raw: RawValue, slot: Slot, sample: string): Promise<TensorValue> {
  if ('image' in raw) return fitImage(raw.image, slot, sample);
  const picture = slot.pixels && pictureOf(raw, slot.pixels);
  if (picture && slot.pixels)
    return fitPicture(await resizePicture(picture, slot.pixels), slot, slot.pixels, sample);
  return fitArray(raw, slot.input, sample);
}

async function fitImage(file: string, slot: Slot, sample: string): Promise<TensorValue> {
  const plan = slot.files;
  if (plan) return fitPicture(await decodeImage(file, plan), slot, plan, sample);
  throw invalidError(
    'SAMPLE_SHAPE',
    `"${sample}" is an image; input "${slot.input.name}" (${slot.input.dims.join('×')}) does not take images`,
    { where: { sample, tensor: slot.input.name }, hint: 'Give .npy files with tensors of that shape.' },
  );
}

function fitPicture(picture: Picture, { input }: Slot, plan: ImagePlan, sample: string): TensorValue {
  const { height = picture.height, width = picture.width } = plan;
  if (plan.resize === 'none' && (picture.height !== height || picture.width !== width))
    throw shapeError(sample, `${picture.height}×${picture.width} pixels`, input, 'Choose a resize.');
  return { dtype: plan.dtype, ...toTensor(picture, plan) };
}

/** uint8 H×W×C, C×H×W or H×W, with or without a batch of one, as a picture; undefined when it is none of them. */
function pictureOf(value: TensorValue, plan: ImagePlan): Picture | undefined {
  if (value.dtype !== 'uint8') return undefined;
  const data = value.data as Uint8Array;
  const dims = value.dims.length === 4 && value.dims[0] === 1 ? value.dims.slice(1) : value.dims;
  const { channels } = plan;
  if (dims.length === 2 && channels === 1) return { data, height: dims[0], width: dims[1], channels };
  if (dims.length !== 3) return undefined;
  if (dims[0] === channels && !(dims[2] === channels && !plan.planar))
    return { data: interleave(data, channels), height: dims[1], width: dims[2], channels };
  if (dims[2] === channels) return { data, height: dims[0], width: dims[1], channels };
  return undefined;
}

function interleave(planes: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return planes;
  const size = planes.length / channels;
  return planes.map((_, i) => planes[(i % channels) * size + Math.floor(i / channels)]);
}

function fitArray(value: TensorValue, input: ValueMeta, sample: string): TensorValue {
  const dims = shapeFor(value, input, sample);
  const dtype = input.dtype ?? value.dtype;
  const where = { sample, tensor: input.name };
  return { dtype, dims, data: convert(value.data as TypedArray, value.dtype, dtype, where) };
}

function shapeFor(value: TensorValue, input: ValueMeta, sample: string): number[] {
  const { dims } = value;
  if (matches(dims, input)) return dims;
  const batched = [1, ...dims];
  if (matches(batched, input)) return batched;
  const flat = input.dims.map((d, axis) => (axis === 0 && !isFixed(d) ? 1 : d));
  if (value.dtype === 'uint8' && flat.every(isFixed) && elementCount(flat) === elementCount(dims))
    return flat;
  throw shapeError(sample, dims.join('×') || 'a scalar', input, transposed(dims, input));
}

const isFixed = (d: number | string): d is number => typeof d === 'number' && d >= 0;
const matches = (dims: number[], input: ValueMeta): boolean =>
  dims.length === input.dims.length &&
  dims.every((d, axis) => !isFixed(input.dims[axis]) || input.dims[axis] === d);

/** Most wrong shapes are one of two slips, and each has its own remedy. */
function transposed(dims: number[], input: ValueMeta): string {
  const [n, a, b, c] = dims.length === input.dims.length - 1 ? [1, ...dims] : dims;
  if (matches([n, c, a, b], input)) return 'The array is channels-last: transpose it to N×C×H×W.';
  if (matches([n, b, c, a], input)) return 'The array is channels-first: transpose it to N×H×W×C.';
  return 'Save the samples in the shape of the input, or with one more axis in front that counts samples.';
}

const shapeError = (sample: string, found: string, input: ValueMeta, hint: string) =>
  invalidError(
    'SAMPLE_SHAPE',
    `sample "${sample}" is ${found}; input "${input.name}" takes ${input.dims.join('×') || 'a scalar'}`,
    { where: { sample, tensor: input.name }, hint },
  );
