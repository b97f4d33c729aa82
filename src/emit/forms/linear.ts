import { codeArray } from '../../../kernels/codec.js';
import { elementOf } from '../../../kernels/grid.js';
import { scaleDims } from '../../../kernels/quantize.js';
import { dtypeNumber } from '../../ir/dtypes.js';
import { makeAttribute } from '../../ir/graph.js';
import type { Encoding, WeightPlan } from '../../plan/types.js';
import type { QuantizedWeight } from '../../quantize/types.js';
import type { Editor } from '../editor.js';
import { emitScales } from '../scales.js';

/** Codes in their ONNX type behind a DequantizeLinear: one scale a tensor, a channel or a block. */
export function linear(editor: Editor, weight: QuantizedWeight, encoding: Encoding): string {
  const { plan, dims, codes, shape, params } = weight;
  const { tensor, axis, view = dims } = plan;
  const dtype = storedType(plan);
  const grid = scaleDims(view, axis, shape.block);
  const inputs = [
    editor.constant(`${tensor}_quantized`, dtype, view, codes),
    emitScales(editor, weight, grid, encoding),
    ...zeroPoints(editor, weight, grid),
  ];
  const isPower = encoding === 'spec' && params.coded?.format === 'e8m0';
  const attributes = [
    ...(axis === undefined ? [] : [makeAttribute.int('axis', axis)]),
    ...(shape.block === undefined ? [] : [makeAttribute.int('block_size', shape.block)]),
    // A scale of E8M0 does not say what the values are.
    ...(isPower ? [makeAttribute.int('output_dtype', dtypeNumber('float32'))] : []),
  ];
  const value = editor.node('DequantizeLinear', inputs, `${tensor}_dequantized`, attributes);
  return plan.view ? editor.reshape(value, dims, `${tensor}_shaped`) : value;
}

function storedType({ format, form }: WeightPlan) {
  const { dtype, signed } = elementOf(format);
  if (form !== 'nibbles') return dtype;
  return signed ? 'int4' : 'uint4';
}

/** Zero points of integers; for blocks, where they would weigh, only if one of them is not zero. */
function zeroPoints(editor: Editor, { plan, shape, params }: QuantizedWeight, grid: number[]): string[] {
  const row = elementOf(plan.format);
  const absent = shape.block !== undefined && params.zeroPoints.every((z) => z === 0);
  if (row.kind !== 'integer' || absent) return [];
  const values = codeArray(row, params.zeroPoints.length);
  values.set(params.zeroPoints);
  return [editor.constant(`${plan.tensor}_zero_point`, storedType(plan), grid, values)];
}
