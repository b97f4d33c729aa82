/** Round half to even, exact for every float64 (the 1.5·2^52 trick is only for |x| ≤ 2^51). NaN and ±Infinity stay. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return rest === 0.5 ? floor + (floor % 2 === 0 ? 0 : 1) : x;
}

/** Smallest normal float32, 2^-126: below it a scale loses bits and x / s overflows, so no scale is smaller. */
export const SMALLEST_NORMAL = 2 ** -126;

export const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
