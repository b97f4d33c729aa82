// Narrow floats of up to 8 bits of exponent below float32's own range: E4M3, E5M2, E2M1, E2M3, E3M2 and half precision.
//
// Adding 1.5·2^23 steps of a's octave to a leaves RNE(a / step) in the low mantissa bits, as in lanes.ts, and subnormals
// are only the octave of the smallest normal number. So one addition rounds every value, and the carry into the next
// octave comes out right by itself.
import { lowHalves, narrowBytes } from './lanes';

const MAGNITUDE: i32 = 0x7fffffff;
const EXPONENT: i32 = 0x7f800000;

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

/** a + far of four values: far holds 1.5·2^23 steps of the octave, so the low bits are the steps of a. */
// @ts-ignore: decorator
@inline
function stepped(at: usize, scale: v128, low: v128, high: v128, rounder: v128): v128 {
  const a = magnitude(f32x4.div(v128.load(at), scale), high);
  return f32x4.add(a, i32x4.add(octave(a, low), rounder));
}

/**
 * Codes of eight: steps + octave << mantissaBits, the octave in bits 7 and up of the high half of each lane, both brought
 * to the same place by one multiplication and freed of `excess`.
 */
// @ts-ignore: decorator
@inline
function codes8(a: v128, b: v128, joint: v128, excess: v128, mantissaBits: i32): v128 {
  const both = i16x8.narrow_i32x4_s(i32x4.dot_i16x8_s(a, joint), i32x4.dot_i16x8_s(b, joint));
  return i16x8.shr_u(i16x8.sub(both, excess), 7 - mantissaBits);
}

/** Sign bits of 16 floats as bytes: narrowing saturates, which keeps the sign. */
// @ts-ignore: decorator
@inline
function signs16(at: usize, sign: v128): v128 {
  const low = i16x8.narrow_i32x4_s(v128.load(at), v128.load(at, 16));
  const high = i16x8.narrow_i32x4_s(v128.load(at, 32), v128.load(at, 48));
  return v128.and(i8x16.lt_s(i8x16.narrow_i16x8_s(low, high), i8x16.splat(0)), sign);
}

/**
 * The first multiple of 16 of `n` values that share a scale, to bytes, without a thought for NaN.
 * @returns whether there was one: the sum of everything tells
 */
// @ts-ignore: decorator
@inline
function quantize16(
  values: usize, out: usize, n: usize, scale: f32,
  minNormal: f32, limit: f32, mantissaBits: i32, base: i32, signBit: i32,
): bool {
  const s = f32x4.splat(scale);
  const low = f32x4.splat(minNormal);
  const high = f32x4.splat(limit);
  const rounder = rounderOf(mantissaBits);
  const signByte: i32 = 1 << signBit;
  const sign = i8x16.splat(<i8>signByte);
  // What the exponent and the leading half of `far` add, and what the codes of octaves begin with.
  const far: i32 = ((23 - mantissaBits) << 7) + 0x40;
  const excess = i16x8.splat(<i16>(far + (base << (7 - mantissaBits))));
  const joint = i32x4.splat((1 << 16) | (1 << (7 - mantissaBits)));
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i + 16 <= n; i += 16) {
    const at = values + (i << 2);
    const a = stepped(at, s, low, high, rounder);
    const b = stepped(at + 16, s, low, high, rounder);
    const c = stepped(at + 32, s, low, high, rounder);
    const d = stepped(at + 48, s, low, high, rounder);
    sum = f32x4.add(sum, f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
    const codes = i8x16.narrow_i16x8_u(codes8(a, b, joint, excess, mantissaBits), codes8(c, d, joint, excess, mantissaBits));
    v128.store(out + i, v128.or(codes, signs16(at, sign)));
  }
  return v128.any_true(f32x4.ne(sum, sum));
}

/** The same; shifts by a constant are much faster. */
function quantizeMost(
  values: usize, out: usize, n: usize, scale: f32,
  minNormal: f32, limit: f32, mantissaBits: i32, base: i32, signBit: i32,
): bool {
  if (mantissaBits == 3) return quantize16(values, out, n, scale, minNormal, limit, 3, base, signBit);
  if (mantissaBits == 2) return quantize16(values, out, n, scale, minNormal, limit, 2, base, signBit);
  return quantize16(values, out, n, scale, minNormal, limit, 1, base, signBit);
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
  if (!wide && !each && !quantizeMost(values, out, n, load<f32>(scales), minNormal, limit, mantissaBits, base, signBit)) {
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
