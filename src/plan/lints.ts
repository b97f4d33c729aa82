import type { Diagnostic } from '../errors.js';
import { linearLayout } from '../ir/layout.js';
import type { Node, Tensor } from '../ir/model.js';
import { floatValues } from '../ir/tensor.js';

/** Largest magnitudes of 8-bit codes: an activation's without its zero point, and a weight's. */
const ACTIVATION = 255;
const WEIGHT = 127;
const INT32 = 2 ** 31;

/** What a linear layer's weight shows by itself: channels that are always zero, sums that int32 may not hold. */
export function weightLints(node: Node, tensor: Tensor): Diagnostic[] {
  const layout = linearLayout(node, tensor.dims);
  if (!layout) return [];
  const { groups, outputs, inputs, kernel, groupStride, outputStride, inputStride } = layout;
  const values = floatValues(tensor);
  let dead = 0;
  let worst = 0;
  for (let o = 0; o < groups * outputs; o++) {
    const row = Math.floor(o / outputs) * groupStride + (o % outputs) * outputStride;
    let [sum, most] = [0, 0];
    for (let i = 0; i < inputs; i++)
      for (let k = row + i * inputStride; k < row + i * inputStride + kernel; k++) {
        const w = Math.abs(values[k]);
        sum += w;
        if (w > most) most = w;
      }
    if (most === 0) dead++;
    else worst = Math.max(worst, (sum / most) * WEIGHT * ACTIVATION);
  }
  const where = { node: node.name, tensor: tensor.name };
  const found: Diagnostic[] = [];
  if (dead > 0)
    found.push({
      ...{ level: 'note', code: 'DEAD_CHANNELS', where },
      message: `${dead} of ${groups * outputs} output channels of "${tensor.name}" have weights of zero only`,
    });
  if (worst >= INT32)
    found.push({
      ...{ level: 'warning', code: 'ACCUMULATOR_OVERFLOW', where },
      message: `sums of "${tensor.name}" may reach ${(worst / INT32).toFixed(1)} times what an int32 accumulator holds`,
    });
  return found;
}
