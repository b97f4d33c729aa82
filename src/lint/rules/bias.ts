import { activationOf, products, weightOf } from '../layers.js';
import type { Subject } from '../subject.js';
import type { Spot } from '../types.js';

/** Scales are float32 products: they may differ in their last digits. */
const TOLERANCE = 1e-4;

/** int32 biases whose scale is not the product of the two scales that are multiplied. */
export function* biasScales(subject: Subject): Generator<Spot> {
  for (const product of products(subject)) {
    const [bias, x, w] = [product.bias?.dq, activationOf(product), weightOf(product)];
    if (!bias?.scales || !x?.scales || !w?.scales || bias.dtype !== 'int32') continue;
    const at = (scales: Float32Array, i: number) => scales[scales.length === 1 ? 0 : i];
    const length = Math.max(bias.scales.length, w.scales.length);
    for (let i = 0; i < length; i++) {
      const expected = x.scales[0] * at(w.scales, i);
      if (Math.abs(at(bias.scales, i) / expected - 1) <= TOLERANCE) continue;
      const message = `the scale of the bias is ${at(bias.scales, i)}, the accumulator’s is ${expected}`;
      yield { message, node: product.label, tensor: bias.data };
      break;
    }
  }
}
