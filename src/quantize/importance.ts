import type { LinearForm, Moments } from './hessian/index.js';

/** The least that a value counts, as a share of the mean: inputs that the samples left at zero may not stay so. */
const LEAST = 0.01;

/**
 * How much the error of each value of a weight costs where it stands alone: E[x²] of the input that it is multiplied with,
 * the diagonal of H, relative to the mean. Undefined where the inputs were all zero.
 * @param size values of the weight
 */
export function importanceOf(
  size: number,
  { groups, rows, columns, groupStride, rowStride, columnStride }: LinearForm,
  { moments }: Moments,
): Float32Array | undefined {
  const diagonal = Float64Array.from(
    { length: groups * columns },
    (_, i) => moments[i * columns + (i % columns)],
  );
  const mean = diagonal.reduce((a, b) => a + b, 0) / diagonal.length;
  if (!(mean > 0)) return undefined;
  const out = new Float32Array(size);
  for (let g = 0; g < groups; g++)
    for (let j = 0; j < columns; j++) {
      const share = diagonal[g * columns + j] / mean + LEAST;
      for (let r = 0; r < rows; r++) out[g * groupStride + r * rowStride + j * columnStride] = share;
    }
  return out;
}
