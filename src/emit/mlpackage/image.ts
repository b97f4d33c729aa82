import type { Context } from './context.js';
import { floats, ints } from './literal.js';
import type { Var } from './program.js';

/** A picture as input: y = factor · pixel + offset, one pair a channel, pixels 0…255. */
export interface Image {
  color: 'rgb' | 'bgr';
  factor: number[];
  offset: number[];
}

type Layout = 'nchw' | 'nhwc';

/** Where an input of four axes has its channels; undefined when it is no picture of 1 or 3 channels. */
export function layoutOf(dims: number[]): Layout | undefined {
  if (dims.length !== 4 || dims[0] !== 1) return undefined;
  if ([1, 3].includes(dims[1])) return 'nchw';
  return [1, 3].includes(dims[3]) ? 'nhwc' : undefined;
}

export const isImage = (dims: number[]): boolean => layoutOf(dims) !== undefined;

/** [1, C, H, W] whatever the layout: what Core ML hands a picture over as. */
export const pictureDims = (dims: number[]): number[] =>
  layoutOf(dims) === 'nhwc' ? [1, dims[3], dims[1], dims[2]] : dims;

/** The function input for a picture, with scale and bias folded into the program behind it. */
export function imageInput(c: Context, name: string, dims: number[], image: Image): Var {
  const picture: Var = { name, dtype: 'fp32', dims: pictureDims(dims) };
  const channels = picture.dims[1];
  const perChannel = (values: number[]) =>
    floats(
      c.float,
      Array.from({ length: channels }, (_, i) => values[i % values.length]),
      [1, channels, 1, 1],
    );
  let x = c.cast(picture, c.float);
  if (image.factor.some((f) => f !== 1)) x = c.op('mul', { x, y: perChannel(image.factor) }, x.dims);
  if (image.offset.some((b) => b !== 0)) x = c.op('add', { x, y: perChannel(image.offset) }, x.dims);
  c.bind(name, layoutOf(dims) === 'nhwc' ? c.op('transpose', { x, perm: ints([0, 2, 3, 1]) }, dims) : x);
  return picture;
}

export const colorSpace = (channels: number, { color }: Image): number =>
  channels === 1 ? 10 : color === 'bgr' ? 30 : 20;
