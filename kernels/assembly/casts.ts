// float32 with fewer bits of mantissa: BF16 (16 bits are cut off) and TF32 (13 bits). Exponents stay, so rounding is
// integer arithmetic on the bits, and the carry out of the largest becomes infinity by itself. No scale: it is 1.
import { lowHalves } from './lanes';

const INFINITY_BITS: i32 = 0x7f800000;

/** Rounds to a multiple of 2^shift: to even (0), away from zero (1), towards zero (2); NaN becomes the quiet one. */
// @ts-ignore: decorator
@inline
function cut4(bits: v128, shift: i32, rounding: i32): v128 {
  const half: i32 = 1 << (shift - 1);
  const odd = v128.and(i32x4.shr_u(bits, shift), i32x4.splat(1));
  const even = i32x4.add(odd, i32x4.splat(half - 1));
  const extra = rounding == 0 ? even : i32x4.splat(rounding == 1 ? half : 0);
  const cut = v128.and(i32x4.add(bits, extra), i32x4.splat(-1 << shift));
  const isNaN = i32x4.gt_s(v128.and(bits, i32x4.splat(0x7fffffff)), i32x4.splat(INFINITY_BITS));
  return v128.bitselect(i32x4.splat(0x7fc00000), cut, isNaN);
}

/** `n` values with fewer bits, still float32; `out` may be `values`. */
export function cutFloat(values: usize, out: usize, n: usize, shift: i32, rounding: i32): void {
  const end = n << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) v128.store(out + at, cut4(v128.load(values + at), shift, rounding));
  for (; at < end; at += 4) {
    store<i32>(out + at, i32x4.extract_lane(cut4(v128.load32_splat(values + at), shift, rounding), 0));
  }
}

/** `n` values to BF16, two bytes each. */
export function quantizeBrain(values: usize, out: usize, n: usize): void {
  let i: usize = 0;
  for (; i + 8 <= n; i += 8) {
    const a = i32x4.shr_u(cut4(v128.load(values + (i << 2)), 16, 0), 16);
    const b = i32x4.shr_u(cut4(v128.load(values + (i << 2), 16), 16, 0), 16);
    v128.store(out + (i << 1), lowHalves(a, b));
  }
  for (; i < n; i++) {
    const bits = i32x4.extract_lane(cut4(v128.load32_splat(values + (i << 2)), 16, 0), 0);
    store<u16>(out + (i << 1), <u16>(<u32>bits >> 16));
  }
}

/** `n` BF16 numbers to float32. */
export function dequantizeBrain(codes: usize, out: usize, n: usize): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(out + (i << 2), i32x4.shl(i32x4.extend_low_i16x8_u(v128.load64_zero(codes + (i << 1))), 16));
  }
  for (; i < n; i++) store<u32>(out + (i << 2), <u32>load<u16>(codes + (i << 1)) << 16);
}

/** 2^112: what a half's exponent lacks when its bits are read as a float32's. */
const REBIAS: f32 = 5.192296858534828e33;

// @ts-ignore: decorator
@inline
function half4(codes: v128): v128 {
  const magnitude = i32x4.shl(v128.and(codes, i32x4.splat(0x7fff)), 13);
  const finite = f32x4.mul(magnitude, f32x4.splat(REBIAS));
  const special = i32x4.ge_s(magnitude, i32x4.splat(0x7c00 << 13));
  const value = v128.bitselect(v128.or(magnitude, i32x4.splat(INFINITY_BITS)), finite, special);
  return v128.or(value, i32x4.shl(i32x4.shr_u(codes, 15), 31));
}

/** `n` half precision numbers to float32. */
export function dequantizeHalf(codes: usize, out: usize, n: usize): void {
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(out + (i << 2), half4(i32x4.extend_low_i16x8_u(v128.load64_zero(codes + (i << 1)))));
  }
  for (; i < n; i++) {
    store<f32>(out + (i << 2), f32x4.extract_lane(half4(i32x4.splat(load<u16>(codes + (i << 1)))), 0));
  }
}
