// Finite minimum and maximum, and how many values are NaN or infinite.
// Four lanes of running state; a NaN or an infinity never enters min and max because its lane keeps the old value.

/** float32 bits of +Inf: |x| is finite exactly when its bits are below. */
const INFINITY_BITS: i32 = 0x7f800000;

/** True (all ones) in the lanes of `x` that are finite. */
// @ts-ignore: decorator
@inline
export function finiteLanes(x: v128): v128 {
  return i32x4.lt_s(v128.and(x, i32x4.splat(0x7fffffff)), i32x4.splat(INFINITY_BITS));
}

/** Smaller (or larger) of the lanes of `state` and of the finite lanes of `x`; the accumulator comes first so that NaN loses. */
// @ts-ignore: decorator
@inline
export function lower(state: v128, x: v128, finite: v128): v128 {
  return f32x4.pmin(state, v128.bitselect(x, state, finite));
}
// @ts-ignore: decorator
@inline
export function upper(state: v128, x: v128, finite: v128): v128 {
  return f32x4.pmax(state, v128.bitselect(x, state, finite));
}

// @ts-ignore: decorator
@inline
function total(counts: v128): i32 {
  return (
    i32x4.extract_lane(counts, 0) +
    i32x4.extract_lane(counts, 1) +
    i32x4.extract_lane(counts, 2) +
    i32x4.extract_lane(counts, 3)
  );
}

/**
 * Writes the four results to `out`: f32 min, f32 max (+Inf and −Inf when nothing is finite), u32 NaN, u32 Inf.
 * `notFinite` and `notANumber` are counts by lane.
 */
// @ts-ignore: decorator
@inline
export function writeExtremes(out: usize, min: v128, max: v128, notFinite: v128, notANumber: v128): void {
  const low = f32x4.pmin(min, i8x16.shuffle(min, min, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const high = f32x4.pmax(max, i8x16.shuffle(max, max, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  store<f32>(out, Mathf.min(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1)));
  store<f32>(out, Mathf.max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1)), 4);
  const nan = total(notANumber);
  store<u32>(out, nan, 8);
  store<u32>(out, total(notFinite) - nan, 12);
}

/** Extremes of `n` float32 values at `values`. */
export function minMax(values: usize, n: usize, out: usize): void {
  let min = f32x4.splat(Infinity);
  let max = f32x4.splat(-Infinity);
  let notFinite = i32x4.splat(0);
  let notANumber = i32x4.splat(0);
  const end = values + (n << 2);
  const vectors = values + ((n & ~3) << 2);
  let at = values;
  for (; at < vectors; at += 16) {
    const x = v128.load(at);
    const finite = finiteLanes(x);
    min = lower(min, x, finite);
    max = upper(max, x, finite);
    // A true lane is −1: subtracting it counts.
    notFinite = i32x4.sub(notFinite, v128.not(finite));
    notANumber = i32x4.sub(notANumber, f32x4.ne(x, x));
  }
  for (; at < end; at += 4) {
    const x = f32x4.splat(load<f32>(at));
    const finite = finiteLanes(x);
    min = lower(min, x, finite);
    max = upper(max, x, finite);
    const lane = i32x4(-1, 0, 0, 0);
    notFinite = i32x4.sub(notFinite, v128.andnot(lane, finite));
    notANumber = i32x4.sub(notANumber, v128.and(lane, f32x4.ne(x, x)));
  }
  writeExtremes(out, min, max, notFinite, notANumber);
}
