import { nearestNames, type QuantizeError, usageError } from '../errors.js';
import type { TypedArray, ValueMeta } from '../runtime/types.js';
import { newArray } from './convert.js';
import { type ImageLayout, imageLayout } from './layout.js';
import type { Picture } from './picture.js';
import { findPreset, PRESETS } from './presets.js';
import type { PreprocessOptions } from './types.js';

/** Everything that turns a decoded image into one input's tensor, settled before the first image. */
export interface ImagePlan extends ImageLayout {
  resize: NonNullable<PreprocessOptions['resize']>;
  /** Box that the image must cover before the centre crop (`short` only). */
  cover: [height: number, width: number];
  pad: number;
  bgr: boolean;
  dtype: NonNullable<ValueMeta['dtype']>;
  /** For each channel of the model, the tensor's value of each of the 256 pixel values. */
  tables: Float32Array[];
}

/** A field of the options over the same field of their preset. */
export function withPreset(options: PreprocessOptions): PreprocessOptions {
  if (options.preset === undefined) return options;
  const preset = findPreset(options.preset);
  if (!preset) throw unknownPreset(options.preset);
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...preset.options, ...Object.fromEntries(set) };
}

/**
 * How images become input `input`; undefined when its shape is not that of an image.
 * @throws PREPROCESS (usage) when the options contradict the input or each other
 */
export function imagePlan(input: ValueMeta, given: PreprocessOptions): ImagePlan | undefined {
  const options = withPreset(given);
  const layout = imageLayout(input, options);
  if (!layout || !input.dtype) return undefined;
  const sized = { ...layout, ...defaultSize(layout, options) };
  return {
    ...sized,
    resize: sized.height === undefined ? 'none' : (options.resize ?? 'exact'),
    cover: coverBox(sized, options),
    pad: options.pad ?? 0,
    bgr: options.color === 'bgr',
    dtype: input.dtype,
    tables: pixelTables(input, layout.channels, options),
  };
}

/** An open size with a crop means the usual 256 → 224; otherwise images keep their own size. */
function defaultSize(layout: ImageLayout, options: PreprocessOptions): Partial<ImageLayout> {
  if (layout.height !== undefined) return {};
  if (options.resize === 'short') {
    const side = Math.round((options.shortSide ?? 256) * (options.cropFraction ?? 1));
    return { height: side, width: side };
  }
  if (options.resize === 'exact' || options.resize === 'letterbox')
    throw bad(`resize "${options.resize}" needs a size: the model's input leaves height and width open`);
  return {};
}

function coverBox(layout: ImageLayout, options: PreprocessOptions): [number, number] {
  const fraction = options.cropFraction ?? 1;
  if (!(fraction > 0 && fraction <= 1)) throw bad(`cropFraction ${fraction} is not in (0, 1]`);
  const { height = 0, width = 0 } = layout;
  const box: [number, number] = options.shortSide
    ? [options.shortSide, options.shortSide]
    : [Math.round(height / fraction), Math.round(width / fraction)];
  if (options.resize === 'short' && (box[0] < height || box[1] < width))
    throw bad(`a short side of ${options.shortSide} is smaller than the input of ${height}×${width}`);
  return box;
}

/** y = (x · scale − mean) / std in float64, rounded once to float32, for each of the 256 pixel values. */
function pixelTables(input: ValueMeta, channels: number, options: PreprocessOptions): Float32Array[] {
  const { scale = 1 } = options;
  const mean = perChannel(options.mean ?? 0, channels, 'mean');
  const std = perChannel(options.std ?? 1, channels, 'std');
  if (std.some((s) => !(s > 0))) throw bad('std must be above 0');
  const float = input.dtype?.startsWith('float');
  if (!float && (scale !== 1 || mean.some((m) => m !== 0) || std.some((s) => s !== 1)))
    throw bad(`input "${input.name}" takes ${input.dtype} pixels, which cannot be scaled`);
  return mean.map((m, c) => Float32Array.from({ length: 256 }, (_, x) => (x * scale - m) / std[c]));
}

function perChannel(value: number | number[], channels: number, what: string): number[] {
  const list = typeof value === 'number' ? Array<number>(channels).fill(value) : value;
  if (list.length !== channels || !list.every(Number.isFinite))
    throw bad(`${what} [${list.join(', ')}] does not fit a model with ${channels} channel(s)`);
  return list;
}

/** The tensor of one image. A picture smaller than the target is surrounded by `pad` at the right and bottom. */
export function toTensor(picture: Picture, plan: ImagePlan): { data: TypedArray; dims: number[] } {
  const height = plan.height ?? picture.height;
  const width = plan.width ?? picture.width;
  const data = newArray(plan.dtype, plan.channels * height * width);
  const target = { data: data as Float32Array, height, width };
  if (picture.height < height || picture.width < width) fillWith(target, plan);
  const source = plan.channels === 1 ? luma(picture) : picture;
  for (let c = 0; c < plan.channels; c++) drawChannel(source, target, plan, c);
  return { data, dims: plan.dims(height, width) };
}

interface Target {
  data: Float32Array;
  height: number;
  width: number;
}

function fillWith({ data, height, width }: Target, plan: ImagePlan): void {
  plan.tables.forEach((table, c) => {
    for (let i = 0; i < height * width; i++)
      data[plan.planar ? c * height * width + i : i * plan.channels + c] = table[plan.pad];
  });
}

/** Centre crop (offsets rounded as torchvision does), colour order, normalisation and layout in one pass. */
function drawChannel(source: Picture, { data, height, width }: Target, plan: ImagePlan, c: number): void {
  const table = plan.tables[c];
  const rows = Math.min(height, source.height);
  const columns = Math.min(width, source.width);
  const top = Math.round((source.height - rows) / 2);
  const left = Math.round((source.width - columns) / 2);
  const from = source.channels < 3 ? 0 : plan.bgr ? 2 - c : c;
  const step = plan.planar ? 1 : plan.channels;
  for (let y = 0; y < rows; y++) {
    let at = plan.planar ? (c * height + y) * width : y * width * step + c;
    let pixel = ((top + y) * source.width + left) * source.channels + from;
    for (let x = 0; x < columns; x++, at += step, pixel += source.channels)
      data[at] = table[source.data[pixel]];
  }
}

/** ITU-R 601 grey in 16-bit fixed point, as Pillow converts to "L". */
function luma(picture: Picture): Picture {
  if (picture.channels < 3) return picture;
  const grey = new Uint8Array(picture.width * picture.height);
  const { data, channels } = picture;
  for (let i = 0, p = 0; i < grey.length; i++, p += channels)
    grey[i] = (data[p] * 19_595 + data[p + 1] * 38_470 + data[p + 2] * 7_471 + 0x8000) >> 16;
  return { ...picture, data: grey, channels: 1 };
}

function unknownPreset(id: string): QuantizeError {
  const known = PRESETS.map((preset) => preset.id);
  const near = nearestNames(id, known, 2);
  return usageError('PREPROCESS', `there is no preset "${id}"`, {
    hint: `${near.length ? `Did you mean ${near.join(' or ')}? ` : ''}Known: ${known.join(', ')}.`,
  });
}

const bad = (message: string): QuantizeError =>
  usageError('PREPROCESS', `preprocessing: ${message}`, { hint: 'See `quantize --help` for the presets.' });
