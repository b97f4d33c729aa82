import { codeArray } from '../../kernels/codec.js';
import { elementOf } from '../../kernels/grid.js';
import { dtypeNumber } from '../ir/dtypes.js';
import { intAttribute, isOp, makeAttribute, makeNode } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import type { DynamicPlan } from '../plan/types.js';
import type { QuantizedWeight } from '../quantize/types.js';
import type { Editor } from './editor.js';

/**
 * A product whose activation is quantized at run time, as onnxruntime runs it, in place of the node:
 * y = (Σ (x_q − z_x)·(w_q − z_w)) · (s_x·s_w) + bias with x_q, s_x, z_x from DynamicQuantizeLinear.
 */
export function attachDynamic(editor: Editor, plan: DynamicPlan, weight: QuantizedWeight): void {
  const node = editor.nodes.get(plan.node);
  if (!node) return;
  const { codes, scale, zeroPoint } = activationOf(editor, plan.tensor);
  const convolves = isOp(node, 'Conv');
  const [output] = node.outputs;
  const bias = biasOf(editor, node, weight);
  const product = editor.make(
    convolves ? 'ConvInteger' : 'MatMulInteger',
    [codes, weightOf(editor, node, weight), zeroPoint, zeroOf(editor, weight)],
    `${output}_integer`,
    convolves ? node.attributes : [],
  );
  const sum = editor.make('Cast', product.outputs, `${output}_sum`, [
    makeAttribute.int('to', dtypeNumber('float32')),
  ]);
  const scales = editor.make('Mul', [scale, scaleOf(editor, node, weight)], `${output}_scale`);
  const scaled = editor.make('Mul', [sum.outputs[0], scales.outputs[0]], `${output}_scaled`);
  const added = bias === undefined ? [] : [makeNode('Add', [scaled.outputs[0], bias], [output])];
  if (!bias) scaled.outputs = [output];
  // The last node of the chain answers to the name of the node that it stands for.
  (added[0] ?? scaled).name = node.name;
  editor.replace(node, [product, sum, scales, scaled, ...added]);
}

/** Codes, scale and zero point of an activation; nodes that read the same one share them. */
function activationOf(editor: Editor, tensor: string) {
  const codes = editor.once(`dynamic ${tensor}`, () => {
    const outputs = ['quantized', 'scale', 'zero_point'].map((part) => editor.fresh(`${tensor}_${part}`));
    const node = makeNode('DynamicQuantizeLinear', [tensor], outputs, [], { name: `${outputs[0]}_node` });
    editor.insert(editor.links.producer.get(tensor), [node]);
    editor.once(`dynamic scale ${tensor}`, () => outputs[1]);
    editor.once(`dynamic zero ${tensor}`, () => outputs[2]);
    return outputs[0];
  });
  const known = (part: string) => editor.once(`dynamic ${part} ${tensor}`, () => '');
  return { codes, scale: known('scale'), zeroPoint: known('zero') };
}

/** The codes; MatMulInteger has no transposed operand, so a Gemm's are turned by a node that is worked out once. */
function weightOf(editor: Editor, node: Node, { plan, dims, codes }: QuantizedWeight): string {
  const { dtype } = elementOf(plan.format);
  const name = editor.once(`codes ${plan.tensor}`, () =>
    editor.constant(`${plan.tensor}_quantized`, dtype, dims, codes),
  );
  return isOp(node, 'Gemm') && intAttribute(node, 'transB', 0)
    ? editor.node('Transpose', [name], `${plan.tensor}_turned`, [makeAttribute.ints('perm', [1, 0])])
    : name;
}

/** Weights of these schemes are centred: one zero point serves all channels. */
function zeroOf(editor: Editor, { plan, params }: QuantizedWeight): string {
  const row = elementOf(plan.format);
  return editor.once(`zero ${plan.tensor}`, () => {
    const zero = codeArray(row, 1);
    zero[0] = params.zeroPoints[0];
    return editor.constant(`${plan.tensor}_zero_point`, row.dtype, [], zero);
  });
}

function scaleOf(editor: Editor, node: Node, { plan, dims, params }: QuantizedWeight): string {
  const { scales } = params;
  const shape = plan.axis === undefined ? [] : columns(node, scales.length, dims.length);
  return editor.float(`${plan.tensor}_scale`, shape, scales);
}

function biasOf(editor: Editor, node: Node, { dims }: QuantizedWeight): string | undefined {
  const bias = node.inputs[2];
  if (!bias || !isOp(node, 'Conv')) return bias || undefined;
  return editor.reshape(bias, columns(node, dims[0], dims.length), `${bias}_channels`);
}

/** Dims of one value an output channel: the last axis of a product, the second of a convolution. */
const columns = (node: Node, channels: number, rank: number): number[] =>
  isOp(node, 'Conv') ? [channels, ...Array<number>(rank - 2).fill(1)] : [channels];
