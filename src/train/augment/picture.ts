import type { TensorValue } from '../../runtime/types.js';

/** A batch of pictures, and where their axes are. */
export interface Pictures {
  count: number;
  channels: number;
  height: number;
  width: number;
  /** How far the next row, column and channel lie. */
  strides: { y: number; x: number; c: number };
  /** Values of one picture. */
  size: number;
}

/** [N, C, H, W] or [N, H, W, C] with as few channels as pictures have. */
export function picturesOf({ dims, dtype }: TensorValue): Pictures | undefined {
  if (dims.length !== 4 || dtype !== 'float32') return undefined;
  const [count, a, b, c] = dims;
  const first = a <= 4;
  if (!first && c > 4) return undefined;
  const [channels, height, width] = first ? [a, b, c] : [c, a, b];
  const strides = first ? { y: width, x: 1, c: height * width } : { y: width * channels, x: channels, c: 1 };
  return { count, channels, height, width, strides, size: channels * height * width };
}

/** A number in [0, 1) for a picture of a batch, by what it decides. */
export type Draw = (picture: number, what: number) => number;
