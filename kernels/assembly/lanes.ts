// The one definition of rounding to the grid, four lanes at a time; the last elements of a run go through it one by one.

/** 1.5·2^23: adding it to |v| ≤ 2^22 leaves RNE(v) in the low mantissa bits, as the spacing of floats there is 1. */
const ROUNDER: f32 = 12582912.0;
const ROUNDER_BITS: i32 = 0x4b400000;

/**
 * x / s within [low, high] (whole numbers, so that clamping before rounding changes nothing).
 * The division is float32, as in ONNX; the bound comes first in pmax so that NaN becomes `low`, as in onnxruntime.
 */
// @ts-ignore: decorator
@inline
export function onGrid(x: v128, scale: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(high, f32x4.pmax(low, f32x4.div(x, scale)));
}

/** RNE of four clamped quotients as i32, plus the zero point. */
// @ts-ignore: decorator
@inline
export function codes(v: v128, zeroPoint: v128): v128 {
  const rounded = f32x4.add(v, f32x4.splat(ROUNDER));
  return i32x4.add(i32x4.sub(rounded, i32x4.splat(ROUNDER_BITS)), zeroPoint);
}

/** RNE of four clamped quotients as f32. −0 becomes +0, as it does by way of an integer. */
// @ts-ignore: decorator
@inline
export function rounded(v: v128): v128 {
  return f32x4.sub(f32x4.add(v, f32x4.splat(ROUNDER)), f32x4.splat(ROUNDER));
}

/** Low bytes of the 16 lanes of four i32x4 within −128…255: the same bytes whether the codes are signed or not. */
// @ts-ignore: decorator
@inline
export function lowBytes(a: v128, b: v128, c: v128, d: v128): v128 {
  const byte = i16x8.splat(0xff);
  return i8x16.narrow_i16x8_u(
    v128.and(i16x8.narrow_i32x4_s(a, b), byte),
    v128.and(i16x8.narrow_i32x4_s(c, d), byte),
  );
}

/** Four i32 within 0…255 each of `a` and `b`, as the low eight bytes. */
// @ts-ignore: decorator
@inline
export function narrowBytes(a: v128, b: v128): v128 {
  const halves = i16x8.narrow_i32x4_s(a, b);
  return i8x16.narrow_i16x8_u(halves, halves);
}

/** Low halves of the lanes of two i32x4 within −32768…65535. */
// @ts-ignore: decorator
@inline
export function lowHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
}
