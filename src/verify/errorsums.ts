import { halfToFloat } from '../ir/tensor.js';
import type { TensorValue } from '../runtime/types.js';

/** Sums over the elements of two tensors, x from the reference and y from the other; enough for every metric. */
export interface ErrorSums {
  /** Σx², Σy², Σxy, Σ(x−y)² in float64. */
  xx: number;
  yy: number;
  xy: number;
  error: number;
  maxAbsError: number;
  /** Elements not finite in x, and in y where x is finite. */
  badX: number;
  badY: number;
}

export const emptySums = (): ErrorSums => ({
  xx: 0,
  yy: 0,
  xy: 0,
  error: 0,
  maxAbsError: 0,
  badX: 0,
  badY: 0,
});

/** Adds the elements of two equally long arrays. Elements that are not finite on either side are counted, not summed. */
export function addSums(sums: ErrorSums, x: ArrayLike<number>, y: ArrayLike<number>): void {
  let { xx, yy, xy, error, maxAbsError } = sums;
  for (let i = 0; i < x.length; i++) {
    const a = x[i];
    const b = y[i];
    const difference = a - b;
    // NaN and ±Inf on either side make the difference not finite; two finite float32 values never do in float64.
    if (!Number.isFinite(difference)) {
      if (Number.isFinite(a)) sums.badY++;
      else sums.badX++;
      continue;
    }
    xx += a * a;
    yy += b * b;
    xy += a * b;
    error += difference * difference;
    if (difference > maxAbsError) maxAbsError = difference;
    else if (-difference > maxAbsError) maxAbsError = -difference;
  }
  Object.assign(sums, { xx, yy, xy, error, maxAbsError });
}

/** What SQNR says of a signal that is all zero while the other is not: no number is right, and JSON has no −∞. */
export const NO_SIGNAL_DB = -300;

/** SQNR = 10·log10(Σx² / Σ(x−y)²) in dB; null when there is no error. */
export const sqnrDb = (sums: ErrorSums): number | null =>
  sums.error === 0 ? null : Math.max(NO_SIGNAL_DB, 10 * Math.log10(sums.xx / sums.error));

/** Σxy / √(Σx²·Σy²); 1 when the two are equal (rounding must not say otherwise), 0 when one is all zero. */
export function cosine({ xx, yy, xy, error }: ErrorSums): number {
  if (error === 0) return 1;
  if (xx === 0 || yy === 0) return 0;
  return Math.max(-1, Math.min(1, xy / Math.sqrt(xx) / Math.sqrt(yy)));
}

const BFLOAT = new DataView(new ArrayBuffer(4));
const bfloatToFloat = (bits: number): number => {
  BFLOAT.setUint32(0, bits << 16);
  return BFLOAT.getFloat32(0);
};

/** The elements of a float output as numbers; undefined for every other type. */
export function floatElements(value: TensorValue): ArrayLike<number> | undefined {
  switch (value.dtype) {
    case 'float32':
    case 'float64':
      return value.data as Float32Array | Float64Array;
    case 'float16':
      // Newer Node has Float16Array, which onnxruntime then hands out; it reads as numbers already.
      return value.data instanceof Uint16Array
        ? Float32Array.from(value.data, halfToFloat)
        : (value.data as never);
    case 'bfloat16':
      return Float32Array.from(value.data as Uint16Array, bfloatToFloat);
    default:
      return undefined;
  }
}
