// The sums that SQNR and cosine are made of, in float64: float32 sums drift by more than an 8-bit error over a large tensor.

// @ts-ignore: decorator
@inline
function upperHalf(x: v128): v128 {
  return i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
}

// @ts-ignore: decorator
@inline
function lanesOf(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** Writes five f64 to `out`: Σx², Σy², Σxy, Σ(x−y)², max|x−y|. NaN spreads into the sums and is left out of the maximum. */
export function errorSums(xs: usize, ys: usize, n: usize, out: usize): void {
  let xx = f64x2.splat(0);
  let yy = f64x2.splat(0);
  let xy = f64x2.splat(0);
  let dd = f64x2.splat(0);
  let largest = f64x2.splat(0);
  const vectors = (n & ~3) << 2;
  let at: usize = 0;
  for (; at < vectors; at += 16) {
    const x4 = v128.load(xs + at);
    const y4 = v128.load(ys + at);
    const x0 = f64x2.promote_low_f32x4(x4);
    const y0 = f64x2.promote_low_f32x4(y4);
    const x1 = f64x2.promote_low_f32x4(upperHalf(x4));
    const y1 = f64x2.promote_low_f32x4(upperHalf(y4));
    const d0 = f64x2.sub(x0, y0);
    const d1 = f64x2.sub(x1, y1);
    xx = f64x2.add(xx, f64x2.add(f64x2.mul(x0, x0), f64x2.mul(x1, x1)));
    yy = f64x2.add(yy, f64x2.add(f64x2.mul(y0, y0), f64x2.mul(y1, y1)));
    xy = f64x2.add(xy, f64x2.add(f64x2.mul(x0, y0), f64x2.mul(x1, y1)));
    dd = f64x2.add(dd, f64x2.add(f64x2.mul(d0, d0), f64x2.mul(d1, d1)));
    largest = f64x2.pmax(f64x2.pmax(largest, f64x2.abs(d0)), f64x2.abs(d1));
  }
  let sumXX = lanesOf(xx);
  let sumYY = lanesOf(yy);
  let sumXY = lanesOf(xy);
  let sumDD = lanesOf(dd);
  let maximum = Math.max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
  for (; at < n << 2; at += 4) {
    const x: f64 = load<f32>(xs + at);
    const y: f64 = load<f32>(ys + at);
    const d = x - y;
    sumXX += x * x;
    sumYY += y * y;
    sumXY += x * y;
    sumDD += d * d;
    if (Math.abs(d) > maximum) maximum = Math.abs(d);
  }
  store<f64>(out, sumXX);
  store<f64>(out, sumYY, 8);
  store<f64>(out, sumXY, 16);
  store<f64>(out, sumDD, 24);
  store<f64>(out, maximum, 32);
}
