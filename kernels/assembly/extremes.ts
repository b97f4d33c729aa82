// Finite minimum and maximum, and how many values are NaN or infinite.
//
// Values are nearly always finite, so the usual pass only notices that something is not: NaN loses every comparison
// (the accumulator comes first in pmin and pmax) and sets `unequal`, an infinity shows in the result. Only then a
// second pass sorts them out.

/** float32 bits of +Inf: |x| is finite exactly when its bits are below. */
const INFINITY_BITS: i32 = 0x7f800000;

// @ts-ignore: decorator
@inline
function swapHalves(x: v128): v128 {
  return i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

// @ts-ignore: decorator
@inline
function smallest(lanes: v128): f32 {
  const pair = f32x4.pmin(lanes, swapHalves(lanes));
  return Mathf.min(f32x4.extract_lane(pair, 0), f32x4.extract_lane(pair, 1));
}

// @ts-ignore: decorator
@inline
function largest(lanes: v128): f32 {
  const pair = f32x4.pmax(lanes, swapHalves(lanes));
  return Mathf.max(f32x4.extract_lane(pair, 0), f32x4.extract_lane(pair, 1));
}

function store4(out: usize, min: f32, max: f32, nan: u32, inf: u32): void {
  store<f32>(out, min);
  store<f32>(out, max, 4);
  store<u32>(out, nan, 8);
  store<u32>(out, inf, 12);
}

/**
 * Ends a pass over `n` values: writes f32 min, f32 max (+Inf and −Inf when nothing is finite), u32 NaN, u32 Inf to
 * `out`. `min` and `max` are by lane, `unequal` has a bit set where a lane met NaN.
 */
// @ts-ignore: decorator
@inline
export function finish(values: usize, n: usize, out: usize, min: v128, max: v128, unequal: v128): void {
  const low = smallest(min);
  const high = largest(max);
  const infinite = n != 0 && (low == -Infinity || low == Infinity || high == Infinity || high == -Infinity);
  if (infinite || v128.any_true(unequal)) sortOut(values, n, out);
  else store4(out, low, high, 0, 0);
}

/** The second pass: one value after the other, which is rare enough. */
function sortOut(values: usize, n: usize, out: usize): void {
  let min: f32 = Infinity;
  let max: f32 = -Infinity;
  let nan: u32 = 0;
  let inf: u32 = 0;
  for (let at = values; at < values + (n << 2); at += 4) {
    const magnitude = load<i32>(at) & 0x7fffffff;
    if (magnitude < INFINITY_BITS) {
      const x = load<f32>(at);
      min = Mathf.min(min, x);
      max = Mathf.max(max, x);
    } else if (magnitude == INFINITY_BITS) inf++;
    else nan++;
  }
  store4(out, min, max, nan, inf);
}

/** Extremes of `n` float32 values at `values`. Four accumulators, so that no vector waits for the one before it. */
export function minMax(values: usize, n: usize, out: usize): void {
  let min0 = f32x4.splat(Infinity);
  let min1 = min0;
  let min2 = min0;
  let min3 = min0;
  let max0 = f32x4.splat(-Infinity);
  let max1 = max0;
  let max2 = max0;
  let max3 = max0;
  let unequal = i32x4.splat(0);
  const end = values + (n << 2);
  const vectors = values + ((n & ~15) << 2);
  let at = values;
  for (; at < vectors; at += 64) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    min0 = f32x4.pmin(min0, a);
    min1 = f32x4.pmin(min1, b);
    min2 = f32x4.pmin(min2, c);
    min3 = f32x4.pmin(min3, d);
    max0 = f32x4.pmax(max0, a);
    max1 = f32x4.pmax(max1, b);
    max2 = f32x4.pmax(max2, c);
    max3 = f32x4.pmax(max3, d);
    const ab = v128.or(f32x4.ne(a, a), f32x4.ne(b, b));
    unequal = v128.or(unequal, v128.or(ab, v128.or(f32x4.ne(c, c), f32x4.ne(d, d))));
  }
  for (; at < end; at += 4) {
    const x = f32x4.splat(load<f32>(at));
    min0 = f32x4.pmin(min0, x);
    max0 = f32x4.pmax(max0, x);
    unequal = v128.or(unequal, f32x4.ne(x, x));
  }
  const min = f32x4.pmin(f32x4.pmin(min0, min1), f32x4.pmin(min2, min3));
  const max = f32x4.pmax(f32x4.pmax(max0, max1), f32x4.pmax(max2, max3));
  finish(values, n, out, min, max, unequal);
}
