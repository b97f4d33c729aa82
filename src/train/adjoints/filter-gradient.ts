import type { Builder } from '../builder.js';
import { product, range } from './common.js';
import { byConvolution } from './filter-convolution.js';
import { byRows, hasNarrowRows } from './filter-rows.js';
import type { Sizes, Windows } from './windows.js';

/** From so many input channels on, a product a tap is faster than the convolution over the batch. */
const TAP_CHANNELS = 16;

/**
 * dL/dW of y = conv(x, W), [Co, Ci/g, k…]. Forms of the same sum, whichever is fastest in onnxruntime (measured: 1×1
 * filters by one product 5 ms against 27, by one a sample 2 to 4; dense filters of many channels by taps 27 against 47;
 * grouped, depthwise and few channels by convolution 18 against 70, or depthwise ones by rows).
 */
export function filterGradient(
  b: Builder,
  x: string,
  g: string,
  sizes: Sizes,
  w: Windows,
  group: number,
): string {
  const pointwise = w.kernel.every((k) => k === 1) && [...w.before, ...w.after].every((p) => p === 0);
  const dense = group === 1 && sizes.w[1] >= TAP_CHANNELS && [...w.before, ...w.after].every((p) => p >= 0);
  if (group === 1 && pointwise && w.strides.every((s) => s === 1) && isTall(sizes))
    return bySample(b, x, g, sizes);
  if (hasNarrowRows(sizes, w, group)) return byRows(b, x, g, sizes, w);
  return (group === 1 && pointwise) || dense
    ? byTaps(b, x, g, sizes, w)
    : byConvolution(b, x, g, sizes, w, group);
}

/** Does a sample's gradient take less memory than half of the maps that it is made from? */
function isTall({ w: [co, ci], y }: Sizes): boolean {
  return co * ci < (product(y.slice(2)) * (co + ci)) / 2;
}

/** One product of all positions of a sample; maps stay in the order that they have. */
function bySample(b: Builder, x: string, g: string, { w: [co, ci, ...kernel], y }: Sizes): string {
  const [n, positions] = [y[0], product(y.slice(2))];
  const right = b.transpose(b.reshape(x, [n, ci, positions]), [0, 2, 1]);
  const products = b.matmul(b.reshape(g, [n, co, positions]), right);
  return b.reshape(b.sum(products, [0], false), [co, ci, ...kernel]);
}

/** One product of all positions for each tap of the filter. */
function byTaps(b: Builder, x: string, g: string, sizes: Sizes, w: Windows): string {
  const rank = w.kernel.length;
  const axes = range(rank);
  const [co, ci] = sizes.w;
  const positions = sizes.y[0] * product(sizes.y.slice(2));
  const channelsLast = [0, ...axes.map((i) => i + 2), 1];
  const rows = b.reshape(b.transpose(g, [1, 0, ...axes.map((i) => i + 2)]), [co, positions]);
  const last = b.transpose(x, channelsLast);
  const padded = b.pad(last, [0, ...w.before, 0], [0, ...w.after, 0]);
  const taps = tapsOf(w.kernel).map((tap) => {
    const starts = axes.map((i) => tap[i] * w.dilations[i]);
    const ends = axes.map((i) => starts[i] + (sizes.y[i + 2] - 1) * w.strides[i] + 1);
    const whole = axes.every(
      (i) => starts[i] === 0 && w.strides[i] === 1 && ends[i] === sizes.x[i + 2] + w.before[i] + w.after[i],
    );
    const seen = whole
      ? padded
      : b.slice(
          padded,
          axes.map((i) => i + 1),
          starts,
          ends,
          w.strides,
        );
    return b.matmul(rows, b.reshape(seen, [positions, ci]));
  });
  if (taps.length === 1) return b.reshape(taps[0], sizes.w);
  // [Co, taps·Ci] → [Co, Ci, k…]
  const side = b.reshape(b.concat(taps, 1), [co, ...w.kernel, ci]);
  return b.transpose(side, [0, rank + 1, ...axes.map((i) => i + 1)]);
}

/** Every tap of a filter, row by row. */
function tapsOf(kernel: number[]): number[][] {
  return kernel.reduce<number[][]>(
    (taps, k) => taps.flatMap((tap) => range(k).map((i) => [...tap, i])),
    [[]],
  );
}
