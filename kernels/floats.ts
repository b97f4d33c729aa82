/**
 * Floating-point formats as one parametric codec:
 * value(code) = (−1)^S · 2^(max(e, 1) − bias) · ((e > 0 ? 1 : 0) + m / 2^M), codes above the largest being special.
 * Facts: OCP OFP8 v1.0 (E4M3, E5M2), OCP MX v1.0 (E2M1, E2M3, E3M2), arXiv 2206.02915 (FNUZ), IEEE 754 (half).
 */
export interface FloatLayout {
  exponentBits: number;
  mantissaBits: number;
  bias: number;
  /** Magnitude code (without sign) of the largest finite value. */
  largestCode: number;
  /** Code of a magnitude that rounds beyond it and does not saturate: infinity, NaN, or the largest where there is neither. */
  overflow: number;
  /** Code that encoding gives for NaN. */
  nan: number;
  /** `overflow` is an infinity. */
  infinite: boolean;
  /** The FNUZ formats have no −0; its code is their only NaN. */
  signedZero: boolean;
  /** Too large and infinite values become the largest, as ONNX does by default with 8 bits and fewer. */
  saturates: boolean;
  /** To nearest with ties to even or away from zero, or towards zero. */
  rounding: 'even' | 'away' | 'zero';
}

const SIGN = 0x80000000;
const INFINITY_BITS = 0x7f800000;
const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** What the sign adds to a code. */
export const signBit = ({ exponentBits, mantissaBits }: FloatLayout): number =>
  2 ** (exponentBits + mantissaBits);

/** What rounding to a multiple of 2^shift adds to the bits before they are cut off. */
function roundingBias(bits: number, shift: number, rounding: FloatLayout['rounding']): number {
  if (rounding === 'zero') return 0;
  const half = 2 ** (shift - 1);
  return rounding === 'away' ? half : half - 1 + ((bits >>> shift) & 1);
}

/** The magnitude code of |x| by its float32 bits, unbounded above. Rounding may carry into the exponent: as it should. */
function magnitudeCode(bits: number, layout: FloatLayout): number {
  const { mantissaBits, bias, rounding } = layout;
  const implied = (128 - bias) * 2 ** 23;
  if (bits >= implied) {
    const shift = 23 - mantissaBits;
    return ((bits + roundingBias(bits, shift, rounding)) >>> shift) - ((127 - bias) << mantissaBits);
  }
  // Subnormal: a multiple of 2^(1 − bias − M). The float64 product is exact; its fraction decides.
  word[0] = bits;
  const steps = float[0] * 2 ** (bias - 1 + mantissaBits);
  const down = Math.floor(steps);
  const rest = steps - down;
  if (rounding === 'zero' || rest < 0.5) return down;
  if (rest > 0.5 || rounding === 'away') return down + 1;
  return down + (down % 2);
}

/** The code of `x` rounded to float32. */
export function encodeFloat(x: number, layout: FloatLayout): number {
  float[0] = x;
  const bits = word[0] & ~SIGN;
  if (bits > INFINITY_BITS) return layout.nan;
  const negative = word[0] >= SIGN;
  const found = magnitudeCode(bits, layout);
  const over = found > layout.largestCode;
  const code = over ? (layout.saturates ? layout.largestCode : layout.overflow) : found;
  const unsigned = !negative || (!layout.signedZero && (code === 0 || code === layout.nan));
  return unsigned ? code : code + signBit(layout);
}

/** The value of a code; exact in float32. */
export function decodeFloat(code: number, layout: FloatLayout): number {
  const { mantissaBits, bias } = layout;
  const sign = code & signBit(layout);
  const magnitude = code - sign;
  if (magnitude > layout.largestCode || (!layout.signedZero && code === layout.nan)) {
    if (!layout.infinite || magnitude !== layout.overflow) return Number.NaN;
    return sign ? -Infinity : Infinity;
  }
  const exponent = magnitude >> mantissaBits;
  const mantissa = (magnitude % 2 ** mantissaBits) + (exponent > 0 ? 2 ** mantissaBits : 0);
  const value = mantissa * 2 ** (Math.max(exponent, 1) - bias - mantissaBits);
  return sign ? -value : value;
}
