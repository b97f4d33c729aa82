import type { Feeds, TensorValue } from '../runtime/types.js';
import { uniform } from './random.js';

export const AUGMENTATIONS = ['flip', 'shift'] as const;
export type Augmentation = (typeof AUGMENTATIONS)[number];

/** Pixels by which a picture may be moved, as a share of its side. */
const SHIFT = 1 / 8;

/** Where the axes of pictures are. */
interface Picture {
  channels: number;
  height: number;
  width: number;
  /** Channels behind the pixels. */
  last: boolean;
}

/** [N, C, H, W] or [N, H, W, C] with as few channels as pictures have. */
function pictureOf({ dims, dtype }: TensorValue): Picture | undefined {
  if (dims.length !== 4 || dtype !== 'float32') return undefined;
  const [, a, b, c] = dims;
  if (a <= 4) return { channels: a, height: b, width: c, last: false };
  return c <= 4 ? { channels: c, height: a, width: b, last: true } : undefined;
}

/** The batch with each picture mirrored, or moved by some pixels (its edge repeated), as seed and step decide. */
export function augmented(batch: Feeds, wanted: readonly Augmentation[], seed: number, step: number): Feeds {
  if (wanted.length === 0) return batch;
  return Object.fromEntries(
    Object.entries(batch).map(([name, value]) => {
      const picture = pictureOf(value);
      return [name, picture ? { ...value, data: changed(value, picture, wanted, seed, step) } : value];
    }),
  );
}

function changed(
  { data, dims }: TensorValue,
  { channels, height, width, last }: Picture,
  wanted: readonly Augmentation[],
  seed: number,
  step: number,
): Float32Array {
  const from = data as Float32Array;
  const to = new Float32Array(from.length);
  const [strideY, strideX, strideC] = last ? [width * channels, channels, 1] : [width, 1, height * width];
  for (let n = 0; n < dims[0]; n++) {
    const draw = (what: number) => uniform(seed, step, 4 * n + what);
    const move = (what: number, side: number) =>
      wanted.includes('shift') ? Math.round((2 * draw(what) - 1) * SHIFT * side) : 0;
    const [dy, dx] = [move(0, height), move(1, width)];
    const flip = wanted.includes('flip') && draw(2) < 0.5;
    const base = n * channels * height * width;
    for (let y = 0; y < height; y++) {
      const sy = Math.min(Math.max(y + dy, 0), height - 1);
      for (let x = 0; x < width; x++) {
        const along = Math.min(Math.max(x + dx, 0), width - 1);
        const sx = flip ? width - 1 - along : along;
        const [target, source] = [base + y * strideY + x * strideX, base + sy * strideY + sx * strideX];
        for (let c = 0; c < channels; c++) to[target + c * strideC] = from[source + c * strideC];
      }
    }
  }
  return to;
}
