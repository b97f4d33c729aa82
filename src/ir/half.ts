const bits = new DataView(new ArrayBuffer(4));

/**
 * A number → IEEE 754 binary16 bits, rounded to nearest even from its float32 value; overflow gives infinity,
 * any NaN the quiet one.
 */
export function floatToHalf(value: number): number {
  bits.setFloat32(0, value);
  const f = bits.getUint32(0);
  const sign = (f >>> 16) & 0x8000;
  const magnitude = f & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  // Below 2^-14 halves are multiples of 2^-24; the product is exact, so only the rounding below rounds.
  if (magnitude < 0x38800000) return sign | halfEven(Math.abs(Math.fround(value)) * 2 ** 24);
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

function halfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}
