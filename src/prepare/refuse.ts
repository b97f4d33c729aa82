import { unsupportedError } from '../errors.js';
import { allNodes, qualifiedType } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';

/** Operators that only a quantized model has. The standard domain's names are without prefix. */
const QUANTIZED = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
  'MatMulInteger',
  'ConvInteger',
  'QLinearConv',
  'QLinearMatMul',
  'com.microsoft:QuantizeLinear',
  'com.microsoft:DequantizeLinear',
  'com.microsoft:DynamicQuantizeMatMul',
  'com.microsoft:DynamicQuantizeLSTM',
  'com.microsoft:MatMulIntegerToFloat',
  'com.microsoft:MatMulInteger16',
  'com.microsoft:MatMulNBits',
  'com.microsoft:MatMulBnb4',
  'com.microsoft:MatMulFpQ4',
  'com.microsoft:GatherBlockQuantized',
  'com.microsoft:QGemm',
  'com.microsoft:QMoE',
  'com.microsoft:QAttention',
  'com.microsoft:QEmbedLayerNormalization',
  'com.microsoft:QOrderedAttention',
  'com.microsoft:QOrderedGelu',
  'com.microsoft:QOrderedLayerNormalization',
  'com.microsoft:QOrderedLongformerAttention',
  'com.microsoft:QOrderedMatMul',
  'trt:TRT_INT4QuantizeLinear',
  'trt:TRT_INT4DequantizeLinear',
  'trt:TRT_FP8QuantizeLinear',
  'trt:TRT_FP8DequantizeLinear',
  'trt:TRT_MXFP8QuantizeLinear',
  'trt:TRT_MXFP8DequantizeLinear',
  'trt:TRT_FP4DynamicQuantize',
  'trt:TRT_FP4QDQ',
]);

/** com.microsoft has a QLinear form of a dozen operators (Add, Mul, Concat, pools, …). */
const quantizedOperator = (node: Node): boolean => {
  const type = qualifiedType(node);
  return QUANTIZED.has(type) || type.startsWith('com.microsoft:QLinear');
};

/** The quantized operators of a model, wherever they hide: main graph, nested graphs, functions. */
export function quantizedNodes(model: Model): Node[] {
  const bodies = model.functions.flatMap((f) => [...allNodes({ ...model.graph, nodes: f.nodes })]);
  return [...allNodes(model.graph), ...bodies].filter(quantizedOperator);
}

/**
 * Refuses a model that is quantized already, wherever the operators hide: main graph, nested graphs, functions.
 * A second layer of Q/DQ would be written without complaint and cost accuracy silently.
 * @throws QuantizeError ALREADY_QUANTIZED (unsupported) naming the first node and how many there are
 */
export function refuseQuantized(model: Model): void {
  const found = quantizedNodes(model);
  if (found.length === 0) return;
  const [first] = found;
  const label = first.name || first.outputs.find((name) => name) || 'unnamed';
  throw unsupportedError(
    'ALREADY_QUANTIZED',
    `the model is already quantized: ${found.length} such operator${found.length > 1 ? 's' : ''}, first ${qualifiedType(first)} "${label}"`,
    { where: { node: label }, hint: 'give the float model from which this one was made' },
  );
}
