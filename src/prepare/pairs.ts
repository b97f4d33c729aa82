import {
  attribute,
  cloneModel,
  intAttribute,
  isOp,
  makeAttribute,
  makeNode,
  nameAllocator,
  opsetVersion,
  qualifiedType,
  usedNames,
} from '../ir/graph.js';
import type { Attribute, Graph, Model, Node, Tensor } from '../ir/model.js';
import { floatTensor, floatValues } from '../ir/tensor.js';
import { constantsOf } from './edit.js';
import { blockedMatrix } from './nbits.js';

/** An operator on codes: the float operator that it stands for, and where its inputs are. */
interface Row {
  op: string;
  /** First inputs of operands: codes, and behind them their scale and zero point. */
  operands: readonly number[];
  /** Where the scale of the result is, its zero point behind it. */
  result: number;
  /** Inputs that are no codes, before the operands. */
  plain?: readonly number[];
  /** An int32 bias, on the product of the operands' scales. */
  bias?: number;
  /** The axis of the second operand's scales, where there are several; `rank` is that operand's. */
  axis?: (node: Node, rank: number) => number;
}

const MICROSOFT = 'com.microsoft:';
const two = (op: string): Row => ({ op, operands: [0, 3], result: 6 });
const one = (op: string): Row => ({ op, operands: [0], result: 3 });

/** ONNX's own, and onnxruntime's (its contrib operators' documentation, and QOperator files that its quantizer writes). */
const ROWS: Record<string, Row> = {
  QLinearConv: { ...two('Conv'), bias: 8, axis: () => 0 },
  QLinearMatMul: { ...two('MatMul'), axis: (_, rank) => rank - 1 },
  [`${MICROSOFT}QGemm`]: {
    ...two('Gemm'),
    bias: 6,
    result: 7,
    axis: (node) => (intAttribute(node, 'transB', 0) ? 0 : 1),
  },
  [`${MICROSOFT}QLinearAdd`]: two('Add'),
  [`${MICROSOFT}QLinearMul`]: two('Mul'),
  [`${MICROSOFT}QLinearSigmoid`]: one('Sigmoid'),
  [`${MICROSOFT}QLinearLeakyRelu`]: one('LeakyRelu'),
  [`${MICROSOFT}QLinearSoftmax`]: one('Softmax'),
  [`${MICROSOFT}QLinearAveragePool`]: one('AveragePool'),
  [`${MICROSOFT}QLinearGlobalAveragePool`]: one('GlobalAveragePool'),
  [`${MICROSOFT}QLinearWhere`]: { op: 'Where', plain: [0], operands: [1, 4], result: 7 },
  [`${MICROSOFT}QLinearConcat`]: { op: 'Concat', operands: [], result: 0 },
};

/** Weights in blocks of 4 and 8 bits; DequantizeLinear has those from opset 21 on. */
const N_BITS = `${MICROSOFT}MatMulNBits`;
export const pairsOpset = ({ graph }: Model): number =>
  graph.nodes.some((node) => qualifiedType(node) === N_BITS) ? 21 : 0;

/** Operators of ONNX that take codes and hand on their grid; of them MaxPool alone is no mere movement. */
const MOVES = [
  'MaxPool',
  'Reshape',
  'Flatten',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Gather',
  'Identity',
];

/** Attributes of onnxruntime's operators that ONNX's do not have. */
const FOREIGN = ['channels_last', 'opset'];

/**
 * A model whose operators on codes (QLinearConv and its like) are written as float operators between Q/DQ pairs, which
 * is what export formats read. Its opset is at least what `pairsOpset` says. Sums are then of floats: codes can differ by one where a value lies next to a tie.
 * Works on a copy; `count` operators were replaced, others stay for the formats to refuse by name.
 */
export function asPairs(model: Model): { model: Model; count: number } {
  const copy = cloneModel(model);
  const writer = new Writer(copy.graph, opsetVersion(copy));
  const nodes = copy.graph.nodes.map((node) => writer.replaced(node));
  const count = nodes.filter((n) => n !== undefined).length;
  copy.graph.nodes = copy.graph.nodes.flatMap((node, i) => nodes[i] ?? [node]);
  return { model: copy, count };
}

class Writer {
  private readonly fresh: (wanted: string) => string;
  private readonly constants: Map<string, Tensor>;
  /** Scale and zero point of values that are codes. */
  private readonly grids = new Map<string, string[]>();

  constructor(
    private readonly graph: Graph,
    private readonly opset: number,
  ) {
    this.fresh = nameAllocator(usedNames(graph));
    this.constants = constantsOf(graph);
  }

  /** The nodes in a node's place, which come in order; undefined where it stays. */
  replaced(node: Node): Node[] | undefined {
    if (isOp(node, 'QuantizeLinear')) this.grids.set(node.outputs[0], node.inputs.slice(1));
    if (isOp(node, ...MOVES)) return this.moved(node);
    if (qualifiedType(node) === N_BITS) return this.unpacked(node);
    const row = ROWS[qualifiedType(node)];
    if (!row || intAttribute(node, 'channels_last', 0) !== 0 || this.normalizesOtherwise(node))
      return undefined;
    const starts = row.op === 'Concat' ? triples(node) : row.operands;
    const made = starts.map((at, i) =>
      this.dequantize(node.inputs.slice(at, at + 3), this.axisOf(node, row, i)),
    );
    if (row.bias !== undefined && node.inputs[row.bias]) {
      const scale = this.biasScale(node, row);
      if (scale === undefined) return undefined;
      made.push(this.dequantize([node.inputs[row.bias], scale], [makeAttribute.int('axis', 0)]));
    }
    const plain = (row.plain ?? []).map((i) => node.inputs[i]);
    const inputs = [...plain, ...made.map((n) => n.outputs[0])];
    const kept = node.attributes.filter((a) => !FOREIGN.includes(a.name ?? ''));
    const grid = node.inputs.slice(row.result, row.result + 2);
    return [
      ...made,
      ...this.result(node, { opType: row.op, inputs, attributes: kept, domain: undefined }, grid),
    ];
  }

  /** A product with a stored matrix, and its bias. */
  private unpacked(node: Node): Node[] | undefined {
    const matrix = blockedMatrix(node, this.constants, this.fresh);
    if (!matrix) return undefined;
    this.graph.initializers.push(...matrix.tensors);
    const [x, , , , , bias] = node.inputs;
    const [y] = node.outputs;
    const [values, ...grid] = matrix.tensors.map((t) => t.name!);
    const stored = grid.length > 0 ? [this.dequantize([values, ...grid], matrix.attributes)] : [];
    const product = bias ? this.fresh(`${y}_product`) : y;
    return [
      ...stored,
      makeNode('MatMul', [x, stored[0]?.outputs[0] ?? values], [product], [], { name: node.name }),
      ...(bias ? [makeNode('Add', [product, bias], [y], [], { name: this.fresh(`${y}_bias`) })] : []),
    ];
  }

  /** A maximum of codes is that of what they stand for. */
  private moved(node: Node): Node[] | undefined {
    const [x] = node.inputs;
    const grid = this.grids.get(x);
    if (!grid) return undefined;
    this.grids.set(node.outputs[0], grid);
    if (!isOp(node, 'MaxPool') || node.outputs.length > 1) return undefined;
    const floats = this.dequantize([x, ...grid]);
    return [floats, ...this.result(node, { inputs: [floats.outputs[0]] }, grid)];
  }

  private dequantize(inputs: string[], attributes: Attribute[] = []): Node {
    const output = this.fresh(`${inputs[0]}_dequantized`);
    return makeNode('DequantizeLinear', inputs, [output], attributes, { name: this.fresh(`${output}_node`) });
  }

  /** The float operator, and its result in codes; without a scale the result is floats (QGemm). */
  private result(node: Node, float: Partial<Node>, grid: string[]): Node[] {
    if (!grid[0]) return [{ ...node, ...float }];
    const { outputs } = node;
    this.grids.set(outputs[0], grid);
    const output = this.fresh(`${outputs[0]}_float`);
    const name = this.fresh(`${outputs[0]}_quantized`);
    return [
      { ...node, ...float, outputs: [output] },
      makeNode('QuantizeLinear', [output, ...grid], outputs, [], { name }),
    ];
  }

  private axisOf(node: Node, { axis, operands }: Row, i: number): Attribute[] {
    const rank = this.constants.get(node.inputs[operands[i]])?.dims.length;
    return i === 1 && rank !== undefined && axis ? [makeAttribute.int('axis', axis(node, rank))] : [];
  }

  /** A Softmax whose axes are those of another opset than the model's. */
  private normalizesOtherwise(node: Node): boolean {
    const given = attribute(node, 'opset') && intAttribute(node, 'opset', 0);
    return given !== undefined && given < 13 !== this.opset < 13;
  }

  /** A new constant of the bias's scales; undefined where the operands' are computed. */
  private biasScale(node: Node, row: Row): string | undefined {
    const [left, right] = row.operands.map((at) => this.constants.get(node.inputs[at + 1]));
    if (!left || !right) return undefined;
    const [first] = floatValues(left);
    const values = floatValues(right).map((s) => first * s);
    const name = this.fresh(`${node.inputs[row.bias!]}_scale`);
    this.graph.initializers.push(floatTensor(name, values.length === 1 ? [] : [values.length], values));
    return name;
  }
}

/** Codes, scale and zero point of each value that is joined, behind the result's own two. */
const triples = ({ inputs }: Node): number[] =>
  Array.from({ length: Math.floor((inputs.length - 2) / 3) }, (_, i) => 2 + 3 * i);
