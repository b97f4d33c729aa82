import type { Draw, Pictures } from './picture.js';

/** For each sample of a batch: another one of it, and the share of the sample's own picture that is left. */
export interface Mixture {
  partner: number[];
  share: number[];
}

/** What is drawn for a picture; the numbers before it place and colour it. */
const [WHETHER, HOW_MUCH, PARTNER, TOP, LEFT] = [8, 9, 10, 11, 12];
/** Of three pictures one stays, one is laid over another (mixup), one gets a piece of another (CutMix). */
const [STAYS, OVERLAID] = [1 / 3, 2 / 3];

/**
 * Pairs of pictures in one (mixup, arXiv 1710.09412; CutMix, arXiv 1905.04899): what they are is as a teacher sees them, or
 * both labels by their shares.
 */
export function mixtures(
  from: Float32Array,
  pictures: Pictures,
  draw: Draw,
): { data: Float32Array; mixture: Mixture } {
  const { count, height, width, size, strides, channels } = pictures;
  const data = from.slice();
  const mixture: Mixture = { partner: [], share: [] };
  for (let n = 0; n < count; n++) {
    const partner = Math.floor(draw(n, PARTNER) * count);
    const kind = draw(n, WHETHER);
    let share = kind < STAYS || partner === n ? 1 : draw(n, HOW_MUCH);
    const [own, other] = [n * size, partner * size];
    if (share < 1 && kind < OVERLAID)
      for (let i = 0; i < size; i++) data[own + i] = share * from[own + i] + (1 - share) * from[other + i];
    else if (share < 1) {
      const side = Math.sqrt(1 - share);
      const [high, wide] = [Math.round(side * height), Math.round(side * width)];
      const top = Math.floor(draw(n, TOP) * (height - high + 1));
      const left = Math.floor(draw(n, LEFT) * (width - wide + 1));
      for (let y = top; y < top + high; y++)
        for (let x = left; x < left + wide; x++)
          for (let c = 0; c < channels; c++) {
            const i = y * strides.y + x * strides.x + c * strides.c;
            data[own + i] = from[other + i];
          }
      share = 1 - (high * wide) / (height * width);
    }
    mixture.partner.push(partner);
    mixture.share.push(share);
  }
  return { data, mixture };
}

/** Rows of `size` values, each mixed with its partner's. */
export function mixedRows(rows: Float32Array, size: number, { partner, share }: Mixture): Float32Array {
  return rows.map((value, i) => {
    const row = Math.floor(i / size);
    return share[row] * value + (1 - share[row]) * rows[partner[row] * size + (i % size)];
  });
}
