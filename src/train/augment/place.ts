import type { Draw, Pictures } from './picture.js';

/** Pixels by which a picture may be moved, as a share of its side. */
const SHIFT = 1 / 8;
/** The least side of what is cut out of a picture, as a share of its own. */
const LEAST_SIDE = 0.6;

/** Where the pixels of one row or column come from: between two, so much of the second. */
interface Line {
  from: Int32Array;
  to: Int32Array;
  share: Float32Array;
}

/** `side` pixels from `start` on, each `pace` on from the last; beyond the picture its edge repeats. */
function line(side: number, start: number, pace: number): Line {
  const made = { from: new Int32Array(side), to: new Int32Array(side), share: new Float32Array(side) };
  for (let i = 0; i < side; i++) {
    const at = Math.min(Math.max(start + i * pace, 0), side - 1);
    made.from[i] = Math.floor(at);
    made.to[i] = Math.min(made.from[i] + 1, side - 1);
    made.share[i] = at - made.from[i];
  }
  return made;
}

/** What is drawn for a picture; 5 numbers from here on. */
const [DOWN, ALONG, MIRROR, CUT_SIDE, CUT_AT] = [0, 1, 2, 3, 4];

/** Pictures mirrored, moved, or a part of them enlarged, as is wanted. */
export function placed(
  from: Float32Array,
  pictures: Pictures,
  wanted: { flip: boolean; shift: boolean; crop: boolean },
  draw: Draw,
): Float32Array {
  const { count, height, width, size } = pictures;
  const to = new Float32Array(from.length);
  for (let n = 0; n < count; n++) {
    const part = wanted.crop ? LEAST_SIDE + (1 - LEAST_SIDE) * draw(n, CUT_SIDE) : 1;
    const start = (what: number, side: number) => {
      const cut = (1 - part) * (side - 1) * ((draw(n, what) + draw(n, CUT_AT)) % 1);
      return cut + (wanted.shift ? Math.round((2 * draw(n, what) - 1) * SHIFT * side) : 0);
    };
    const rows = line(height, start(DOWN, height), part);
    const left = start(ALONG, width);
    const mirrored = wanted.flip && draw(n, MIRROR) < 0.5;
    const columns = mirrored ? line(width, left + part * (width - 1), -part) : line(width, left, part);
    sample(from.subarray(n * size, (n + 1) * size), to.subarray(n * size, (n + 1) * size), pictures, {
      rows,
      columns,
    });
  }
  return to;
}

/** Bilinear; exact where pixels fall on pixels. */
function sample(
  from: Float32Array,
  to: Float32Array,
  { height, width, channels, strides }: Pictures,
  { rows, columns }: { rows: Line; columns: Line },
): void {
  for (let y = 0; y < height; y++) {
    const [above, below, down] = [rows.from[y] * strides.y, rows.to[y] * strides.y, rows.share[y]];
    for (let x = 0; x < width; x++) {
      const [left, right] = [columns.from[x] * strides.x, columns.to[x] * strides.x];
      const along = columns.share[x];
      for (let c = 0, at = 0; c < channels; c++, at += strides.c) {
        const top = from[above + left + at] * (1 - along) + from[above + right + at] * along;
        const bottom = from[below + left + at] * (1 - along) + from[below + right + at] * along;
        to[y * strides.y + x * strides.x + at] = top * (1 - down) + bottom * down;
      }
    }
  }
}
