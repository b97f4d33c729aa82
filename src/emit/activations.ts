import { codeArray } from '../../kernels/codec.js';
import { format, type NumberFormat } from '../../kernels/formats.js';
import { type Dtype, dtypeNumber } from '../ir/dtypes.js';
import { makeAttribute } from '../ir/graph.js';
import type { Graph, Node } from '../ir/model.js';
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
  /** Tensors of values that lie on their grid already. */
  moved: ReadonlySet<string>,
  { encoding, placement }: Pick<Plan, 'encoding' | 'placement'>,
): void {
  const { tensor } = activation;
  const { producer, uses } = editor.links;
  const maker = producer.get(tensor);
  const makerIsInteger = maker !== undefined && integer.has(maker.name ?? '') && placement !== 'tensorrt';
  const readers = (uses.get(tensor) ?? []).filter((u) => makerIsInteger || integer.has(u.node.name ?? ''));
  const nodes = pair(editor, activation, moved.has(tensor), encoding);
  const [view] = nodes.at(-1)!.outputs;
  for (const { node, input } of readers) node.inputs[input] = view;
  editor.insert(maker, nodes);
}

/** The nodes that round an activation to its grid; the last one makes the rounded values. */
function pair(editor: Editor, plan: ActivationPlan, moved: boolean, encoding: Encoding): Node[] {
  const row = format(plan.format);
  const { tensor } = plan;
  const scale = editor.float(`${tensor}_scale`, [], [plan.scale]);
  if (row.kind === 'float' && encoding === 'exec') return throughCasts(editor, tensor, row.dtype, scale);
  if (row.kind === 'integer' && row.bits < 8) return inBytes(editor, plan, row, scale, moved);
  const zero = codeArray(row, 1);
  zero[0] = plan.zeroPoint;
  return quantized(editor, tensor, [scale, editor.constant(`${tensor}_zero_point`, row.dtype, [], zero)]);
}

function quantized(editor: Editor, tensor: string, grid: string[], from = tensor): Node[] {
  const quantize = editor.make('QuantizeLinear', [from, ...grid], `${tensor}_quantized`);
  return [quantize, editor.make('DequantizeLinear', [quantize.outputs[0], ...grid], `${tensor}_dequantized`)];
}

/** Tensors that a same-scale operator makes of another one on the same grid: nothing in them is off the grid. */
export function movedTensors(graph: Graph, activations: readonly ActivationPlan[]): Set<string> {
  const grids = new Map(activations.map((a) => [a.tensor, a.sharedWith ?? a.tensor]));
  const onGrid = (node: Node, output: string) =>
    grids.has(output) && node.inputs.some((input) => grids.get(input) === grids.get(output));
  return new Set(graph.nodes.flatMap((node) => node.outputs.filter((output) => onGrid(node, output))));
}

/**
 * Codes of fewer than 8 bits as bytes: onnxruntime takes pairs of 4-bit types around an operator for 8-bit ones, and no
 * type holds 3 bits. Values are held within the grid first, so the codes are the same. Not behind operators that only
 * move values: there is nothing to hold, and onnxruntime mixes up types where it draws a pair through MaxPool.
 */
function inBytes(
  editor: Editor,
  plan: ActivationPlan,
  row: NumberFormat,
  scale: string,
  moved: boolean,
): Node[] {
  const { tensor, zeroPoint } = plan;
  const [dtype, Codes] = row.signed ? (['int8', Int8Array] as const) : (['uint8', Uint8Array] as const);
  const zero = editor.constant(`${tensor}_zero_point`, dtype, [], Codes.of(zeroPoint));
  if (moved) return quantized(editor, tensor, [scale, zero]);
  const end = (name: string, code: number) =>
    editor.float(`${tensor}_${name}`, [], [(code - zeroPoint) * plan.scale]);
  const ends = [end('lowest', row.qmin), end('highest', row.qmax)];
  const held = editor.make('Clip', [tensor, ...ends], `${tensor}_held`);
  return [held, ...quantized(editor, tensor, [scale, zero], held.outputs[0])];
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
