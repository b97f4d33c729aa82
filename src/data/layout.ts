import type { ValueMeta } from '../runtime/types.js';
import type { PreprocessOptions } from './types.js';

/** Where an input keeps channels, rows and columns. */
export interface ImageLayout {
  channels: 1 | 3;
  /** Absent: the model leaves it open. */
  height?: number;
  width?: number;
  /** Channel planes one after the other (NCHW) rather than interleaved (NHWC). */
  planar: boolean;
  /** The input's shape for an image of this size. */
  dims(height: number, width: number): number[];
}

type Size = number | string;
const isChannels = (d: Size): d is 1 | 3 => d === 1 || d === 3;
const fixed = (d: Size): number | undefined => (typeof d === 'number' && d > 0 ? d : undefined);

/**
 * Recognises N×C×H×W, N×H×W×C, C×H×W, H×W×C and flattened square images from an input's shape; C is 1 or 3, and when
 * both ends could be channels, C first wins. Undefined when the shape is none of them.
 */
export function imageLayout(input: ValueMeta, options: PreprocessOptions): ImageLayout | undefined {
  const { dims } = input;
  if (dims.length === 4 && (dims[0] === 1 || fixed(dims[0]) === undefined))
    return fromAxes(dims.slice(1), [1], options);
  const imageLike = dims.length === 3 && dims.filter((d) => fixed(d) !== 1).length > 1;
  return (imageLike && fromAxes(dims, [], options)) || flattened(dims, options);
}

function fromAxes(axes: Size[], batch: number[], options: PreprocessOptions): ImageLayout | undefined {
  const planar = options.layout ? options.layout === 'nchw' : isChannels(axes[0]);
  const channels = planar ? axes[0] : axes[2];
  if (!isChannels(channels)) return undefined;
  const [h, w] = planar ? axes.slice(1) : axes;
  return {
    channels,
    height: fixed(h) ?? options.size?.[0],
    width: fixed(w) ?? options.size?.[1],
    planar,
    dims: (height, width) => [...batch, ...(planar ? [channels, height, width] : [height, width, channels])],
  };
}

/** A vector of h·w or 3·h·w values: an image whose size is given, or else square. */
function flattened(dims: Size[], options: PreprocessOptions): ImageLayout | undefined {
  const rest = dims.slice(1).map(fixed);
  const count = rest.reduce<number>((n, d) => n * (d ?? Number.NaN), 1);
  if (dims.length < 2 || !(count >= 4)) return undefined;
  for (const channels of [1, 3] as const) {
    const side = Math.sqrt(count / channels);
    const [height, width] = options.size ?? [side, side];
    if (Number.isInteger(height) && height * width * channels === count)
      return {
        channels,
        height,
        width,
        planar: options.layout !== 'nhwc',
        dims: () => [1, ...(rest as number[])],
      };
  }
  return undefined;
}
