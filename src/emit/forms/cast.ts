import { elementOf } from '../../../kernels/grid.js';
import { dequantize } from '../../../kernels/quantize.js';
import type { QuantizedWeight } from '../../quantize/types.js';
import type { Editor } from '../editor.js';

/** Values in a narrower float type behind a Cast; of TF32, which has no type of its own, as float32 that it can hold. */
export function cast(editor: Editor, weight: QuantizedWeight): string {
  const { plan, dims, codes, shape, params } = weight;
  const row = elementOf(plan.format);
  if (row.dtype === 'float32')
    return editor.float(`${plan.tensor}_rounded`, dims, dequantize(codes, shape, params, row));
  const stored = editor.constant(`${plan.tensor}_quantized`, row.dtype, dims, codes);
  return editor.cast(stored, 'float32', `${plan.tensor}_dequantized`);
}
