import { type Half, narrowed } from '../emit/index.js';
import type { Model } from '../ir/model.js';
import { raiseOpset } from '../prepare/index.js';
import type { ValueMeta } from '../runtime/types.js';

/** From here on convolutions, pools and recurrent layers take bfloat16. */
const BF16_OPSET = 22;

/** A Q/DQ model with all that is not quantized in 16 bits, at an opset that has it. */
export function inHalf(model: Model, to: Half, types: ReadonlyMap<string, ValueMeta>): Model {
  const made = narrowed(model, to, types);
  return to === 'bf16' ? raiseOpset(made, BF16_OPSET).model : made;
}
