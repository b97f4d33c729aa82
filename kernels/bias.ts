import { clamp, roundHalfEven, SMALLEST_NORMAL } from './rounding.js';

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
/** onnxruntime's margin: the rounding of the enlarged scale to float32 must not bring the overflow back. */
const MARGIN = 1.0001;

/** Steps of the bias: s_x·s_w[c], a float32 product as the runtime computes it. */
const biasScales = (inputScale: number, weightScales: Float32Array): Float32Array =>
  weightScales.map((scale) => inputScale * scale);

export interface QuantizedBias {
  values: Int32Array;
  /** As many as there are weight scales. */
  scales: Float32Array;
}

/**
 * A bias in steps of the accumulator, zero point 0: q = saturate(roundHalfEven(b / (s_x·s_w[c]))), the division in
 * float64. `weightScales` has one entry, or one for each value of the bias.
 * @throws RangeError otherwise
 */
export function quantizeBias(
  bias: Float32Array,
  inputScale: number,
  weightScales: Float32Array,
): QuantizedBias {
  checkBias(bias, weightScales);
  const scales = biasScales(inputScale, weightScales);
  const values = Int32Array.from(bias, (b, c) =>
    clamp(roundHalfEven(b / scales[scales.length === 1 ? 0 : c]), INT32_MIN, INT32_MAX),
  );
  return { values, scales };
}

export interface BiasOverflow {
  /** Index into the weight scales. */
  channel: number;
  /** What to multiply that weight scale by, at least, so that the bias fits. */
  factor: number;
}

/**
 * The weight scales that are too small for the bias: |b| / (s_x·s_w) exceeds int32, or the product is no normal
 * float32. onnxruntime raises such weight scales (the weights then use fewer codes) and so does the caller.
 */
export function biasOverflow(
  bias: Float32Array,
  inputScale: number,
  weightScales: Float32Array,
): BiasOverflow[] {
  checkBias(bias, weightScales);
  const largest = new Float64Array(weightScales.length);
  bias.forEach((b, i) => {
    const channel = weightScales.length === 1 ? 0 : i;
    largest[channel] = Math.max(largest[channel], Math.abs(b));
  });
  const found: BiasOverflow[] = [];
  largest.forEach((b, channel) => {
    const needed = Math.max((2 * b) / (2 ** 32 - 2), SMALLEST_NORMAL);
    const scale = inputScale * weightScales[channel];
    if (Math.fround(scale) < needed) found.push({ channel, factor: (MARGIN * needed) / scale });
  });
  return found;
}

function checkBias(bias: Float32Array, weightScales: Float32Array): void {
  if (weightScales.length !== 1 && weightScales.length !== bias.length) {
    throw new RangeError(`${weightScales.length} weight scales for a bias of ${bias.length}`);
  }
}
