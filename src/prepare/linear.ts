import { intAttribute, isOp, type Links, links, nameAllocator, usedNames } from '../ir/graph.js';
import type { Graph, Model, Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues, tensorDtype } from '../ir/tensor.js';
import { constantsOf, isReadOnce } from './edit.js';

/**
 * An operator that is linear in its data with a constant weight, and the place of its bias.
 * `tail` makes the value that later nodes read: the operator, or the Add that gives a MatMul its bias.
 */
export interface LinearUnit {
  node: Node;
  tail: Node;
  weight: Tensor;
  /** Output channels. */
  channels: number;
  /** Rank of the output; undefined for MatMul, which takes any. */
  rank?: number;
  /** Place of the channel axis in the output, counted from the end, 1 = last. */
  axisFromEnd: number;
  /** The weight is runs of this many consecutive values of one output channel … */
  run: number;
  /** … and this is the channel of each run, by its position. */
  channelOf: (run: number) => number;
  /** Node input that holds the bias, or could; absent for a bare MatMul. */
  biasSlot?: { node: Node; input: number };
}

/** What a folding pass shares while it walks one graph. */
export interface Folding {
  graph: Graph;
  links: Links;
  constants: Map<string, Tensor>;
  fresh: (wanted: string) => string;
  gone: Set<Node>;
}

export const startFolding = (model: Model): Folding => ({
  graph: model.graph,
  links: links(model.graph),
  constants: constantsOf(model.graph),
  fresh: nameAllocator(usedNames(model.graph)),
  gone: new Set(),
});

type Shape = Pick<LinearUnit, 'channels' | 'rank' | 'axisFromEnd' | 'run' | 'channelOf'>;

const lastAxis = (channels: number, rank?: number): Shape => ({
  channels,
  rank,
  axisFromEnd: 1,
  run: 1,
  channelOf: (position) => position % channels,
});

const firstAxis = (dims: number[], axisFromEnd: number): Shape => ({
  channels: dims[0],
  rank: dims.length,
  axisFromEnd,
  run: elementCount(dims.slice(1)),
  channelOf: (position) => position,
});

/** Weight [C, M/g, k…]: row c belongs to group c ÷ (C/g), column j of it to output channel group·M/g + j. */
function transposedConv(node: Node, dims: number[]): Shape {
  const group = intAttribute(node, 'group', 1);
  const [rows, columns] = dims;
  const channelOf = (position: number) =>
    Math.floor((Math.floor(position / columns) * group) / rows) * columns + (position % columns);
  const run = elementCount(dims.slice(2));
  return { channels: columns * group, rank: dims.length, axisFromEnd: dims.length - 1, run, channelOf };
}

/** Where the output channels lie in the weight (input 1), by operator. */
const SHAPES: Record<string, (node: Node, dims: number[]) => Shape> = {
  Conv: (_, dims) => firstAxis(dims, dims.length - 1),
  ConvTranspose: transposedConv,
  Gemm: (node, dims) => (intAttribute(node, 'transB', 0) ? firstAxis(dims, 1) : lastAxis(dims[1], 2)),
  MatMul: (_, dims) => lastAxis(dims[1]),
};

/** Constant weight of a linear node when its values can be rewritten: float32, with the rank the operator asks for. */
function weightOf(node: Node, constants: Map<string, Tensor>): Tensor | undefined {
  const weight = constants.get(node.inputs[1]);
  if (!weight || tensorDtype(weight) !== 'float32') return undefined;
  const fits = isOp(node, 'Gemm', 'MatMul') ? weight.dims.length === 2 : weight.dims.length >= 3;
  return fits ? weight : undefined;
}

/** The linear unit that makes `value`; a reason when it has one that must stay as it is; undefined when it has none. */
export function linearBehind(value: string, folding: Folding): LinearUnit | string | undefined {
  const producer = folding.links.producer.get(value);
  if (!producer) return undefined;
  if (isOp(producer, 'Add')) return biasedMatMul(value, producer, folding);
  if (!isOp(producer, ...Object.keys(SHAPES))) return undefined;
  const weight = weightOf(producer, folding.constants);
  if (!weight) return 'the weight before it is not a float32 constant';
  if (!isReadOnce(folding.links, value)) return `"${value}" is read elsewhere too`;
  const shape = SHAPES[producer.opType](producer, weight.dims);
  const biasSlot = isOp(producer, 'MatMul') ? undefined : { node: producer, input: 2 };
  return { node: producer, tail: producer, weight, ...shape, biasSlot };
}

/** MatMul and the Add of a constant vector behind it. */
function biasedMatMul(value: string, add: Node, folding: Folding): LinearUnit | undefined {
  const input = add.inputs.findIndex((name) => folding.constants.has(name));
  if (input < 0 || !isReadOnce(folding.links, value)) return undefined;
  const source = add.inputs[1 - input];
  if (!isOp(folding.links.producer.get(source), 'MatMul')) return undefined;
  const unit = linearBehind(source, folding);
  if (unit === undefined || typeof unit === 'string') return undefined;
  const bias = folding.constants.get(add.inputs[input])!;
  return channelVector(bias, unit) && { ...unit, tail: add, biasSlot: { node: add, input } };
}

/**
 * One value a channel from a float32 constant that broadcasts along the unit's output without changing its shape;
 * undefined when it varies along another axis. A MatMul's rank is open, so only scalars and vectors are sure there.
 */
export function channelVector(constant: Tensor, unit: LinearUnit): Float64Array | undefined {
  const { dims } = constant;
  if (tensorDtype(constant) !== 'float32' || dims.length > (unit.rank ?? 1)) return undefined;
  const values = floatValues(constant);
  if (values.length === 1) return new Float64Array(unit.channels).fill(values[0]);
  const along = dims[dims.length - unit.axisFromEnd];
  return along === unit.channels && values.length === along ? Float64Array.from(values) : undefined;
}
