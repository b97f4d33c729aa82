import type { Builder } from '../builder.js';
import { product, range } from './common.js';
import type { Sizes, Windows } from './windows.js';

/** Up to this width the products of rows, most of which are thrown away, cost less than gathering windows. */
const WIDEST = 28;

export const hasNarrowRows = ({ x, w: [co, inputs] }: Sizes, w: Windows, group: number): boolean =>
  inputs === 1 &&
  co === group &&
  x.length === 4 &&
  x[3] <= WIDEST &&
  [...w.before, ...w.after].every((p) => p >= 0);

/**
 * dL/dW of a depthwise convolution over narrow maps: for each row of taps one product of x's rows, as far down as the tap,
 * with g's rows, over all rows of all samples. It holds the sums of all pairs of columns, and a tap is one diagonal of it
 * (measured: 8.3 → 2.2 ms for 384 channels of 14², 16 → 7 for 192 of 28²).
 */
export function byRows(b: Builder, x: string, g: string, sizes: Sizes, w: Windows): string {
  const [n, channels, height, width] = sizes.x;
  const [rows, columns] = sizes.y.slice(2);
  const [taps, across] = w.kernel;
  const byChannel = (name: string) => b.transpose(name, [1, 0, 2, 3]);
  const padded = b.pad(byChannel(x), [0, 0, w.before[0], 0], [0, 0, w.after[0], 0]);
  const right = b.reshape(byChannel(g), [channels, n * rows, columns]);
  const diagonals = b.reals(diagonalsOf(width, columns, w), [width * columns, across]);
  const sums = range(taps).map((tap) => {
    const start = tap * w.dilations[0];
    const end = start + (rows - 1) * w.strides[0] + 1;
    const whole = w.strides[0] === 1 && start === 0 && end === height + w.before[0] + w.after[0];
    const seen = whole ? padded : b.slice(padded, [2], [start], [end], [w.strides[0]]);
    const left = b.transpose(b.reshape(seen, [channels, n * rows, width]), [0, 2, 1]);
    return b.matmul(b.reshape(b.matmul(left, right), [channels, width * columns]), diagonals);
  });
  return b.reshape(b.concat(sums, 1), [channels, 1, taps, across]);
}

/** [columns of x × columns of g, taps across]: 1 where a tap lets the one meet the other. */
function diagonalsOf(width: number, columns: number, w: Windows): Float32Array {
  const across = w.kernel[1];
  const ones = new Float32Array(product([width, columns, across]));
  for (let j = 0; j < columns; j++)
    for (let t = 0; t < across; t++) {
      const at = j * w.strides[1] + t * w.dilations[1] - w.before[1];
      if (at >= 0 && at < width) ones[(at * columns + j) * across + t] = 1;
    }
  return ones;
}
