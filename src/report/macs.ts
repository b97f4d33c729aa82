import { intAttribute, intsAttribute, isOp, stringAttribute } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import type { ValueMeta } from '../runtime/types.js';
import { FUSIBLE_OPERATORS, MOVING_OPERATORS, OPERATIONS_PER_ELEMENT } from './operators.js';
import { type Shapes, shapesOf } from './shapes.js';

/** Positions of the two multiplicands: activation (or left) and weight (or right). */
interface MacRule {
  left: number;
  right: number;
  /** Multiply-accumulates of one run. */
  macs(node: Node, shapes: Shapes, rule: MacRule): number;
}

/** numel(Y) · (Cin/group · Πkernel): every output element is a dot product over one filter. W is [Cout, Cin/g, k…]. */
const conv: MacRule['macs'] = (node, shapes, { right }) => {
  const filters = shapes.dims(node.inputs[right])?.[0] ?? 0;
  return filters === 0 ? 0 : (shapes.count(node.outputs[0]) * shapes.count(node.inputs[right])) / filters;
};

/** numel(X) · (Cout/group · Πkernel): every input element meets each weight of its channel. W is [Cin, Cout/g, k…]. */
const convTranspose: MacRule['macs'] = (node, shapes, { left, right }) => {
  const channels = shapes.dims(node.inputs[right])?.[0] ?? 0;
  return channels === 0 ? 0 : (shapes.count(node.inputs[left]) * shapes.count(node.inputs[right])) / channels;
};

/** Rows of Y times N · K, with N and K from B where its rank gives them: B is most often a constant, A may be dynamic. */
const matMul: MacRule['macs'] = (node, shapes, { left, right }) => {
  const b = shapes.dims(node.inputs[right]) ?? [];
  const output = shapes.count(node.outputs[0]);
  if (b.length < 2) return output * (shapes.dims(node.inputs[left])?.at(-1) ?? 0);
  const [k, n] = b.slice(-2);
  return leadingRows(node, shapes) * n * k;
};

const gemm: MacRule['macs'] = (node, shapes, { right }) => {
  const [k = 0, n = 0] = shapes.dims(node.inputs[right]) ?? [];
  return leadingRows(node, shapes) * n * k;
};

/** Product of all but the last axis of a node's output; 1 when nothing is known of it, as for dynamic dimensions. */
const leadingRows = (node: Node, shapes: Shapes): number =>
  elementCount((shapes.dims(node.outputs[0]) ?? []).slice(0, -1));

/** steps · batch · (numel(W) + numel(R)): each step multiplies the input by W and the state by R. X is [s, b, in]. */
const recurrent: MacRule['macs'] = (node, shapes) => {
  const [first = 0, second = 0] = shapes.dims(node.inputs[0]) ?? [];
  return first * second * (shapes.count(node.inputs[1]) + shapes.count(node.inputs[2]));
};

/** The product of the sizes of all indices, for two operands without "…"; 0 for other equations. */
const einsum: MacRule['macs'] = (node, shapes) => {
  const terms = stringAttribute(node, 'equation', '').replaceAll(' ', '').split('->')[0].split(',');
  if (terms.length !== 2 || terms.some((t) => t.includes('.'))) return 0;
  const sizes = new Map<string, number>();
  terms.forEach((term, i) => {
    [...term].forEach((index, axis) => {
      sizes.set(index, Math.max(sizes.get(index) ?? 1, shapes.dims(node.inputs[i])?.[axis] ?? 1));
    });
  });
  return elementCount([...sizes.values()]);
};

export const MAC_RULES: Readonly<Record<string, MacRule>> = {
  Conv: { left: 0, right: 1, macs: conv },
  ConvInteger: { left: 0, right: 1, macs: conv },
  QLinearConv: { left: 0, right: 3, macs: conv },
  DeformConv: { left: 0, right: 1, macs: conv },
  ConvTranspose: { left: 0, right: 1, macs: convTranspose },
  MatMul: { left: 0, right: 1, macs: matMul },
  MatMulInteger: { left: 0, right: 1, macs: matMul },
  QLinearMatMul: { left: 0, right: 3, macs: matMul },
  Gemm: { left: 0, right: 1, macs: gemm },
  LSTM: { left: 0, right: 1, macs: recurrent },
  GRU: { left: 0, right: 1, macs: recurrent },
  RNN: { left: 0, right: 1, macs: recurrent },
  Einsum: { left: 0, right: 1, macs: einsum },
};

/** The rule of a node that multiplies and accumulates, undefined for every other. */
export const macRule = (node: Node): MacRule | undefined =>
  Object.hasOwn(MAC_RULES, node.opType) && isOp(node, node.opType) ? MAC_RULES[node.opType] : undefined;

/** Multiply-accumulates of one run of a node; 0 for operators without any and for unknown shapes. */
export const nodeMacs = (node: Node, shapes: Shapes): number => {
  const rule = macRule(node);
  return rule ? rule.macs(node, shapes, rule) : 0;
};

/** `count` matrix products of m × k by k × n: what a chip's array is filled with. */
export interface Product {
  count: number;
  m: number;
  n: number;
  k: number;
}

/**
 * A node's MACs as matrix products, for tiling. Convolutions: m = output positions of the batch, n = filters of a
 * group, k = inputs of a filter. Undefined for nodes without MACs and for those that are no plain product.
 */
export function nodeProduct(node: Node, shapes: Shapes): Product | undefined {
  const rule = macRule(node);
  const macs = nodeMacs(node, shapes);
  if (!rule || macs === 0) return undefined;
  const output = shapes.dims(node.outputs[0]) ?? [];
  if (isConvolution(node)) {
    const count = intAttribute(node, 'group', 1);
    const n = (output[1] ?? 1) / count;
    const m = shapes.count(node.outputs[0]) / (n * count);
    return { count, m, n, k: macs / (count * m * n) };
  }
  if (!node.opType.includes('MatMul') && node.opType !== 'Gemm') return undefined;
  const weights = shapes.dims(node.inputs[rule.right]) ?? [];
  const n = output.at(-1) ?? 1;
  const count = elementCount(weights.slice(0, -2));
  const m = shapes.count(node.outputs[0]) / (n * count);
  return { count, m, n, k: macs / (count * m * n) };
}

/** Convolutions map on the chips' arrays otherwise than matrix products do. */
export const isConvolution = (node: Node): boolean =>
  macRule(node) !== undefined && node.opType.includes('Conv');

export const isRecurrent = (node: Node): boolean => isOp(node, 'LSTM', 'GRU', 'RNN');

/** Output channels (columns) of a node with MACs: what the chips' lanes are filled with. */
export function outputChannels(node: Node, shapes: Shapes): number {
  const dims = shapes.dims(node.outputs[0]) ?? [];
  return (isConvolution(node) ? dims[1] : dims.at(-1)) ?? 1;
}

/** Operations of one run other than multiply-accumulates. */
export function nodeOperations(node: Node, shapes: Shapes): number {
  if (macRule(node) || MOVING_OPERATORS.has(node.opType)) return 0;
  const output = shapes.count(node.outputs[0]);
  const fused = Object.hasOwn(FUSIBLE_OPERATORS, node.opType) ? FUSIBLE_OPERATORS[node.opType] : undefined;
  if (fused !== undefined) return fused * output;
  const window = intsAttribute(node, 'kernel_shape');
  if (window) return output * elementCount(window);
  const each = Object.hasOwn(OPERATIONS_PER_ELEMENT, node.opType) ? OPERATIONS_PER_ELEMENT[node.opType] : 1;
  return each * Math.max(output, shapes.count(node.inputs[0] ?? ''));
}

/** Multiply-accumulates of one run of the whole graph. */
export function modelMacs(model: Model, types: ReadonlyMap<string, ValueMeta>): number {
  const shapes = shapesOf(model, types);
  return model.graph.nodes.reduce((sum, node) => sum + nodeMacs(node, shapes), 0);
}
