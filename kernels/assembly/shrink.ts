import { onGrid, rounded } from './lanes';

// @ts-ignore: decorator
@inline
function upperHalf(x: v128): v128 {
  return i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
}

/** Adds four f32 to a pair of f64. */
// @ts-ignore: decorator
@inline
function plus(sum: v128, x: v128): v128 {
  return f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(upperHalf(x))));
}

// @ts-ignore: decorator
@inline
function lanesOf(sum: v128): f64 {
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/**
 * One half step of half-quadratic quantization (Badri and Shaji 2023) over `n` f32, a multiple of four, on whole codes q in
 * [low, high] of step `scale`, zero points already subtracted. In steps, with the error u = x/s − q:
 *   e = sign(u)·max(0, |u| − |u|^(p−1)·share)
 * is what the error is taken to be made of outliers. p = ¾, whose powers are square roots: exact, and alike on every machine.
 * Writes three f64 to `out`: Σ|u|^p, Σ q·(x/s − e), Σ q².
 */
export function shrinkSums(values: usize, n: usize, scale: f32, low: f32, high: f32, share: f32, out: usize): void {
  const steps = f32x4.splat(scale);
  const least = f32x4.splat(low);
  const most = f32x4.splat(high);
  const shares = f32x4.splat(share);
  const none = f32x4.splat(0);
  let norm = f64x2.splat(0);
  let product = f64x2.splat(0);
  let power = f64x2.splat(0);
  for (let at: usize = 0; at < n << 2; at += 16) {
    const x = v128.load(values + at);
    const q = rounded(onGrid(x, steps, least, most));
    const ratio = f32x4.div(x, steps);
    const error = f32x4.sub(ratio, q);
    const size = f32x4.abs(error);
    const quarter = f32x4.sqrt(f32x4.sqrt(size));
    // At no error the quotient is infinite, and less than nothing is left.
    const outlier = f32x4.pmax(none, f32x4.sub(size, f32x4.div(shares, quarter)));
    const target = f32x4.sub(ratio, v128.bitselect(error, outlier, f32x4.splat(-0.0)));
    norm = plus(norm, f32x4.mul(f32x4.mul(quarter, quarter), quarter));
    product = plus(product, f32x4.mul(q, target));
    power = plus(power, f32x4.mul(q, q));
  }
  store<f64>(out, lanesOf(norm));
  store<f64>(out, lanesOf(product), 8);
  store<f64>(out, lanesOf(power), 16);
}
