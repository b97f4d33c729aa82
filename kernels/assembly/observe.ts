// The exponent histogram (DDSketch, VLDB 2019, with γ ≈ 2^(1/32)): a value counts in the bucket of its top 14 bits,
// sign, exponent and 5 bits of mantissa. No range is needed beforehand and merging is addition.
//
// `counters`: 16,388 u32. [0, 8160) x > 0, [8192, 16352) x < 0, the rest of both halves Inf and NaN, and
// [16384, 16388) zeros of either sign, one counter a lane: a ReLU's zeros would otherwise all wait for one counter,
// each increment needing the previous store.
import { finish } from './extremes';

/** Byte offset of the counter of every lane of `x`. */
// @ts-ignore: decorator
@inline
function counterOffsets(x: v128): v128 {
  const zero = f32x4.eq(x, f32x4.splat(0));
  const bucket = v128.and(i32x4.shr_u(x, 16), i32x4.splat(0xfffc));
  return v128.bitselect(i32x4(65536, 65540, 65544, 65548), bucket, zero);
}

// @ts-ignore: decorator
@inline
function increment(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

// @ts-ignore: decorator
@inline
function count4(x: v128, counters: usize): void {
  const offsets = counterOffsets(x);
  increment(counters + <usize>i32x4.extract_lane(offsets, 0));
  increment(counters + <usize>i32x4.extract_lane(offsets, 1));
  increment(counters + <usize>i32x4.extract_lane(offsets, 2));
  increment(counters + <usize>i32x4.extract_lane(offsets, 3));
}

// @ts-ignore: decorator
@inline
function count1(x: v128, counters: usize): void {
  increment(counters + <usize>i32x4.extract_lane(counterOffsets(x), 0));
}

/** Adds `n` float32 values to the counters. */
export function histogram(values: usize, n: usize, counters: usize): void {
  const end = values + (n << 2);
  const vectors = values + ((n & ~3) << 2);
  let at = values;
  for (; at < vectors; at += 16) count4(v128.load(at), counters);
  for (; at < end; at += 4) count1(f32x4.splat(load<f32>(at)), counters);
}

/** `minMax` and `histogram` in one pass over the values. */
export function observe(values: usize, n: usize, counters: usize, out: usize): void {
  let min = f32x4.splat(Infinity);
  let max = f32x4.splat(-Infinity);
  let unequal = i32x4.splat(0);
  const end = values + (n << 2);
  const vectors = values + ((n & ~3) << 2);
  let at = values;
  for (; at < vectors; at += 16) {
    const x = v128.load(at);
    min = f32x4.pmin(min, x);
    max = f32x4.pmax(max, x);
    unequal = v128.or(unequal, f32x4.ne(x, x));
    count4(x, counters);
  }
  for (; at < end; at += 4) {
    const x = f32x4.splat(load<f32>(at));
    min = f32x4.pmin(min, x);
    max = f32x4.pmax(max, x);
    unequal = v128.or(unequal, f32x4.ne(x, x));
    count1(x, counters);
  }
  finish(values, n, out, min, max, unequal);
}
