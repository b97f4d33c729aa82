import { codeArray } from '../../kernels/codec.js';
import { format } from '../../kernels/formats.js';
import { type Dtype, dtypeNumber } from '../ir/dtypes.js';
import { makeAttribute } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import type { ActivationPlan, Encoding, Plan } from '../plan/types.js';
import type { Editor } from './editor.js';

/**
 * Puts an activation on its grid. Integer nodes read the dequantized view. A float node reads it too when the producer
 * computes in integers (the float values never exist on the chip), and the original value otherwise. For TensorRT, whose
 * products leave their kernels in float, a float node always reads the original.
 */
export function attachActivation(
  editor: Editor,
  activation: ActivationPlan,
  integer: ReadonlySet<string>,
  { encoding, placement }: Pick<Plan, 'encoding' | 'placement'>,
): void {
  const { tensor } = activation;
  const { producer, uses } = editor.links;
  const maker = producer.get(tensor);
  const makerIsInteger = maker !== undefined && integer.has(maker.name ?? '') && placement !== 'tensorrt';
  const readers = (uses.get(tensor) ?? []).filter((u) => makerIsInteger || integer.has(u.node.name ?? ''));
  const nodes = pair(editor, activation, encoding);
  const [view] = nodes.at(-1)!.outputs;
  for (const { node, input } of readers) node.inputs[input] = view;
  editor.insert(maker, nodes);
}

/** The nodes that round an activation to its grid; the last one makes the rounded values. */
function pair(editor: Editor, plan: ActivationPlan, encoding: Encoding): Node[] {
  const row = format(plan.format);
  const { tensor } = plan;
  const scale = editor.float(`${tensor}_scale`, [], [plan.scale]);
  if (row.kind === 'float' && encoding === 'exec') return throughCasts(editor, tensor, row.dtype, scale);
  const zero = codeArray(row, 1);
  zero[0] = plan.zeroPoint;
  const grid = [scale, editor.constant(`${tensor}_zero_point`, row.dtype, [], zero)];
  const quantize = editor.make('QuantizeLinear', [tensor, ...grid], `${tensor}_quantized`);
  return [quantize, editor.make('DequantizeLinear', [quantize.outputs[0], ...grid], `${tensor}_dequantized`)];
}

/**
 * What QuantizeLinear and DequantizeLinear of FP8 do, written out: onnxruntime takes the pair around a MatMul or a
 * Transpose for one of integers, and its own optimisations then break the model.
 */
function throughCasts(editor: Editor, tensor: string, dtype: Dtype, scale: string): Node[] {
  const to = (type: Dtype) => [makeAttribute.int('to', dtypeNumber(type))];
  const divide = editor.make('Div', [tensor, scale], `${tensor}_scaled`);
  const codes = editor.make('Cast', divide.outputs, `${tensor}_quantized`, to(dtype));
  const values = editor.make('Cast', codes.outputs, `${tensor}_values`, to('float32'));
  return [divide, codes, values, editor.make('Mul', [values.outputs[0], scale], `${tensor}_dequantized`)];
}
