// Sums over the groups of the block shape [outer, channels, inner], one a channel.

// @ts-ignore: decorator
@inline
function upperHalf(x: v128): v128 {
  return i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
}

/** Differences of two pairs in float64. */
// @ts-ignore: decorator
@inline
function difference(x: v128, y: v128): v128 {
  return f64x2.sub(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y));
}

// @ts-ignore: decorator
@inline
function squared(xs: usize, ys: usize): f64 {
  const d = <f64>load<f32>(xs) - <f64>load<f32>(ys);
  return d * d;
}

function errorOfRun(xs: usize, ys: usize, n: usize): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const end = n << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const x = v128.load(xs + at);
    const y = v128.load(ys + at);
    const a = difference(x, y);
    const b = difference(upperHalf(x), upperHalf(y));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; at < end; at += 4) sum += squared(xs + at, ys + at);
  return sum;
}

/** Adds the squared differences of one row, a group each, to `sums`. */
function errorsOfRow(xs: usize, ys: usize, n: usize, sums: usize): void {
  for (let c: usize = 0; c < n; c++) {
    const sum = sums + (c << 3);
    store<f64>(sum, load<f64>(sum) + squared(xs + (c << 2), ys + (c << 2)));
  }
}

/** `sums`: f64, one a channel, overwritten with Σ(x − y)². */
export function groupErrors(xs: usize, ys: usize, outer: usize, channels: usize, inner: usize, sums: usize): void {
  memory.fill(sums, 0, channels << 3);
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      errorsOfRow(xs, ys, channels, sums);
      xs += channels << 2;
      ys += channels << 2;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      const sum = sums + (c << 3);
      store<f64>(sum, load<f64>(sum) + errorOfRun(xs, ys, inner));
      xs += inner << 2;
      ys += inner << 2;
    }
  }
}
