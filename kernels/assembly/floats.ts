// Narrow floats of up to 8 bits of exponent below float32's own range: E4M3, E5M2, E2M1, E2M3, E3M2 and half precision.
//
// Adding 1.5·2^23 steps of a's octave to a leaves RNE(a / step) in the low mantissa bits, as in lanes.ts, and subnormals
// are only the octave of the smallest normal number. So one addition rounds every value, and the carry into the next
// octave comes out right by itself.
import { lowHalves, narrowBytes } from './lanes';

const MAGNITUDE: i32 = 0x7fffffff;
const EXPONENT: i32 = 0x7f800000;
/** Bits of 2^100: what `far` is made of below it stays finite for every format. */
const ROUNDABLE: i32 = 0x71800000;

/** |x / s|, at most `limit`; NaN stays. */
// @ts-ignore: decorator
@inline
function magnitude(quotient: v128, limit: v128): v128 {
  return f32x4.pmin(v128.and(quotient, i32x4.splat(MAGNITUDE)), limit);
}

/** The exponents of a, no smaller than that of the smallest normal number. */
// @ts-ignore: decorator
@inline
function octave(a: v128, minNormal: v128): v128 {
  return v128.and(f32x4.pmax(a, minNormal), i32x4.splat(EXPONENT));
}

/** Adding it to an octave makes 1.5·2^23 of that octave's steps. */
// @ts-ignore: decorator
@inline
function rounderOf(mantissaBits: i32): v128 {
  return i32x4.splat(((23 - mantissaBits) << 23) | 0x400000);
}

/** Codes of four quotients, NaN as well. */
// @ts-ignore: decorator
@inline
function codes4(u: v128, minNormal: v128, limit: v128, rounder: v128, base: v128, mantissaBits: i32, signBit: i32, nan: v128): v128 {
  const a = magnitude(u, limit);
  const e = octave(a, minNormal);
  const far = i32x4.add(e, rounder);
  const steps = i32x4.sub(f32x4.add(a, far), far);
  const code = i32x4.add(steps, i32x4.sub(i32x4.shr_u(e, 23 - mantissaBits), base));
  const sign = i32x4.shl(i32x4.shr_u(u, 31), signBit);
  return v128.bitselect(nan, v128.or(code, sign), f32x4.ne(u, u));
}

// @ts-ignore: decorator
@inline
function scale4(scales: usize, i: usize, each: bool, shared: v128): v128 {
  return each ? v128.load(scales + (i << 2)) : shared;
}

/** |x / s| of four values. */
// @ts-ignore: decorator
@inline
function quotient4(at: usize, scale: v128): v128 {
  return v128.and(f32x4.div(v128.load(at), scale), i32x4.splat(MAGNITUDE));
}

/**
 * Codes of four magnitudes, 7 − mantissaBits bits too high. a + far has the steps in its low half, less what the octave in
 * the high half has too much; one multiplication of the halves brings both to the same place and adds them.
 */
// @ts-ignore: decorator
@inline
function joined4(a: v128, low: v128, rounder: v128, joint: v128): v128 {
  const octave = v128.and(i32x4.max_s(a, low), i32x4.splat(EXPONENT));
  return i32x4.dot_i16x8_s(f32x4.add(a, i32x4.add(octave, rounder)), joint);
}

/** Signs of 16 numbers in bit `signBit` of bytes: narrowing saturates, which makes −128 of all negative ones. */
// @ts-ignore: decorator
@inline
function signs16(at: usize, signBit: i32): v128 {
  const low = i16x8.narrow_i32x4_s(v128.load(at), v128.load(at, 16));
  const high = i16x8.narrow_i32x4_s(v128.load(at, 32), v128.load(at, 48));
  const bytes = i8x16.narrow_i16x8_s(low, high);
  const sign: i32 = 1 << signBit;
  return v128.and(signBit == 7 ? bytes : i16x8.shr_u(bytes, 7 - signBit), i8x16.splat(<i8>sign));
}

/**
 * As `rounderOf`, less the even number of steps that an octave's high half is too large by, so that codes need no
 * correction. Even, because ties go to even sums.
 */
// @ts-ignore: decorator
@inline
function jointRounder(mantissaBits: i32, base: i32): v128 {
  const shift = 7 - mantissaBits;
  const lead: i32 = ((0x3f >> shift) & 1) == 0 ? 0x40 : 0x40 + (1 << shift);
  const excess = ((23 - mantissaBits) << mantissaBits) + base + ((lead - 1) >> shift);
  return i32x4.splat((((23 - mantissaBits) << 23) | (lead << 16)) - excess);
}

/**
 * `n` values, a multiple of 16, that share a scale, to bytes.
 * @returns whether a quotient is so large that its octave has no far (NaN is), which makes the codes wrong
 */
// @ts-ignore: decorator
@inline
function quantize16(
  values: usize, out: usize, n: usize, scale: f32,
  minNormal: f32, limit: f32, mantissaBits: i32, base: i32, signBit: i32,
): bool {
  const s = f32x4.splat(scale);
  const low = i32x4.splat(reinterpret<i32>(minNormal));
  const rounder = jointRounder(mantissaBits, base);
  const joint = i32x4.splat((1 << 16) | (1 << (7 - mantissaBits)));
  const top = i8x16.splat(<i8>((reinterpret<i32>(limit) >> (23 - mantissaBits)) - base + (1 << mantissaBits)));
  let largest = i32x4.splat(0);
  const end = out + n;
  // The condition comes last because only what precedes every exit is computed once.
  do {
    const a = quotient4(values, s);
    const b = quotient4(values + 16, s);
    const c = quotient4(values + 32, s);
    const d = quotient4(values + 48, s);
    largest = i32x4.max_s(i32x4.max_s(largest, i32x4.max_s(a, b)), i32x4.max_s(c, d));
    const ab = i16x8.narrow_i32x4_s(joined4(a, low, rounder, joint), joined4(b, low, rounder, joint));
    const cd = i16x8.narrow_i32x4_s(joined4(c, low, rounder, joint), joined4(d, low, rounder, joint));
    const codes = i8x16.narrow_i16x8_u(i16x8.shr_s(ab, 7 - mantissaBits), i16x8.shr_s(cd, 7 - mantissaBits));
    v128.store(out, v128.or(i8x16.min_u(codes, top), signs16(values, signBit)));
    values += 64;
    out += 16;
  } while (out < end);
  return v128.any_true(i32x4.gt_s(largest, i32x4.splat(ROUNDABLE)));
}

/** The same for the layouts that there are; shifts by a constant are much faster. */
function quantizeMost(
  values: usize, out: usize, n: usize, scale: f32,
  minNormal: f32, limit: f32, mantissaBits: i32, base: i32, signBit: i32,
): bool {
  if (mantissaBits == 3 && signBit == 7) return quantize16(values, out, n, scale, minNormal, limit, 3, base, 7);
  if (mantissaBits == 2 && signBit == 7) return quantize16(values, out, n, scale, minNormal, limit, 2, base, 7);
  if (mantissaBits == 3) return quantize16(values, out, n, scale, minNormal, limit, 3, base, 5);
  if (mantissaBits == 2) return quantize16(values, out, n, scale, minNormal, limit, 2, base, 5);
  return quantize16(values, out, n, scale, minNormal, limit, 1, base, 3);
}

/** `n` values with one scale, or with one `each`. `wide`: codes of two bytes. */
// @ts-ignore: decorator
@inline
function quantizeRun(
  values: usize, out: usize, n: usize, scales: usize, each: bool, wide: bool,
  minNormal: f32, limit: f32, mantissaBits: i32, base: i32, signBit: i32, nan: i32,
): void {
  const low = f32x4.splat(minNormal);
  const high = f32x4.splat(limit);
  const rounder = rounderOf(mantissaBits);
  const bases = i32x4.splat(base);
  const nans = i32x4.splat(nan);
  const shared = v128.load32_splat(scales);
  let i: usize = 0;
  if (!wide && !each && n >= 16 && !quantizeMost(values, out, n & ~15, load<f32>(scales), minNormal, limit, mantissaBits, base, signBit)) {
    i = n & ~15;
  }
  for (; i + 8 <= n; i += 8) {
    const at = values + (i << 2);
    const a = codes4(f32x4.div(v128.load(at), scale4(scales, i, each, shared)), low, high, rounder, bases, mantissaBits, signBit, nans);
    const b = codes4(f32x4.div(v128.load(at, 16), scale4(scales, i + 4, each, shared)), low, high, rounder, bases, mantissaBits, signBit, nans);
    if (wide) v128.store(out + (i << 1), lowHalves(a, b));
    else v128.store64_lane(out + i, narrowBytes(a, b), 0);
  }
  for (; i < n; i++) {
    const s = load<f32>(each ? scales + (i << 2) : scales);
    const u = f32x4.splat(load<f32>(values + (i << 2)) / s);
    const code = i32x4.extract_lane(codes4(u, low, high, rounder, bases, mantissaBits, signBit, nans), 0);
    if (wide) store<u16>(out + (i << 1), <u16>code);
    else store<u8>(out + i, <u8>code);
  }
}

/**
 * Codes of one byte over the block shape [outer, channels, inner], one scale a channel. `limit`: what larger magnitudes
 * become, a value of the format or the one after its largest; `base`: (128 − bias) << mantissaBits.
 */
export function quantizeFloat(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize, scales: usize, zeroPoints: usize,
  minNormal: f32, limit: f32, mantissaBits: i32, base: i32, signBit: i32, nan: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      quantizeRun(values, out, channels, scales, true, false, minNormal, limit, mantissaBits, base, signBit, nan);
      values += channels << 2;
      out += channels;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      quantizeRun(values, out, inner, scales + (c << 2), false, false, minNormal, limit, mantissaBits, base, signBit, nan);
      values += inner << 2;
      out += inner;
    }
  }
}

/** The same with codes of two bytes, for half precision. */
export function quantizeHalf(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize, scales: usize, zeroPoints: usize,
  minNormal: f32, limit: f32, mantissaBits: i32, base: i32, signBit: i32, nan: i32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      quantizeRun(values, out, channels, scales, true, true, minNormal, limit, mantissaBits, base, signBit, nan);
      values += channels << 2;
      out += channels << 1;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      quantizeRun(values, out, inner, scales + (c << 2), false, true, minNormal, limit, mantissaBits, base, signBit, nan);
      values += inner << 2;
      out += inner << 1;
    }
  }
}

/** The values that four quotients round to; what exceeds the largest becomes `over`, NaN `nan`. */
// @ts-ignore: decorator
@inline
function values4(u: v128, minNormal: v128, limit: v128, rounder: v128, largest: v128, over: v128, nan: v128): v128 {
  const a = magnitude(u, limit);
  const far = i32x4.add(octave(a, minNormal), rounder);
  const r = f32x4.sub(f32x4.add(a, far), far);
  const bounded = v128.bitselect(over, r, f32x4.gt(r, largest));
  const signed = v128.or(bounded, v128.and(u, i32x4.splat(<i32>0x80000000)));
  return v128.bitselect(nan, signed, f32x4.ne(u, u));
}

// @ts-ignore: decorator
@inline
function fakeRun(
  values: usize, out: usize, n: usize, scales: usize, each: bool,
  minNormal: f32, limit: f32, mantissaBits: i32, largest: f32, over: f32, nan: f32,
): void {
  const low = f32x4.splat(minNormal);
  const high = f32x4.splat(limit);
  const rounder = rounderOf(mantissaBits);
  const top = f32x4.splat(largest);
  const beyond = f32x4.splat(over);
  const none = f32x4.splat(nan);
  const shared = v128.load32_splat(scales);
  let i: usize = 0;
  for (; i + 4 <= n; i += 4) {
    const s = scale4(scales, i, each, shared);
    const r = values4(f32x4.div(v128.load(values + (i << 2)), s), low, high, rounder, top, beyond, none);
    v128.store(out + (i << 2), f32x4.mul(r, s));
  }
  for (; i < n; i++) {
    const s = load<f32>(each ? scales + (i << 2) : scales);
    const u = f32x4.splat(load<f32>(values + (i << 2)) / s);
    store<f32>(out + (i << 2), f32x4.extract_lane(values4(u, low, high, rounder, top, beyond, none), 0) * s);
  }
}

/** dequantize(quantize(x)) without the codes in between; `out` is f32 and may be `values`. */
export function fakeQuantizeFloat(
  values: usize, out: usize, outer: usize, channels: usize, inner: usize, scales: usize, zeroPoints: usize,
  minNormal: f32, limit: f32, mantissaBits: i32, largest: f32, over: f32, nan: f32,
): void {
  for (let o: usize = 0; o < outer; o++) {
    if (inner == 1) {
      fakeRun(values, out, channels, scales, true, minNormal, limit, mantissaBits, largest, over, nan);
      values += channels << 2;
      out += channels << 2;
      continue;
    }
    for (let c: usize = 0; c < channels; c++) {
      fakeRun(values, out, inner, scales + (c << 2), false, minNormal, limit, mantissaBits, largest, over, nan);
      values += inner << 2;
      out += inner << 2;
    }
  }
}
