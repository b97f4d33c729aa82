import { dtypeName } from '../../ir/dtypes.js';
import {
  attribute,
  cloneModel,
  isOp,
  links,
  makeAttribute,
  nameAllocator,
  setAttribute,
  usedNames,
} from '../../ir/graph.js';
import type { Graph, Model, Node, Tensor } from '../../ir/model.js';
import {
  elementCount,
  floatTensor,
  floatValues,
  intValues,
  makeTensor,
  tensorBytes,
} from '../../ir/tensor.js';
import { castsToPairs, dropUnread, pairsToCasts } from './pairs.js';
import { widen } from './widen.js';

export { narrowed } from './half.js';
export type { Half } from './half-values.js';
export { pairsToCasts } from './pairs.js';

/** What was changed, and how often. */
export type Changes = Record<string, number>;

/**
 * A Q/DQ model, ours or anybody's, as TensorRT reads it: the values stay what they are. Ranges that are not centred on
 * zero cannot be mended so, and are left for the linter to name. Works on a copy; opset 21 or later is the caller's.
 */
export function toTensorrt(model: Model): { model: Model; changes: Changes } {
  const copy = cloneModel(model);
  const { graph } = copy;
  const changes: Changes = {
    'casts to FP8 written as pairs': castsToPairs(copy),
    'codes of uint8 written as int8': signed(graph),
    'int32 biases written as floats': floatBiases(graph),
    'axes written': writeAxes(graph),
  };
  dropUnread(graph);
  return { model: copy, changes: Object.fromEntries(Object.entries(changes).filter(([, n]) => n > 0)) };
}

/** The model in the form that onnxruntime runs at every level of optimisation: the same values. */
export function executableModel(model: Model): Model {
  const copy = cloneModel(model);
  widen(copy);
  pairsToCasts(copy);
  return copy;
}

const MIDDLE = 128;
const isGrid = (node: Node): boolean => isOp(node, 'QuantizeLinear', 'DequantizeLinear');

/** uint8 about 128 is int8 about 0: the same values, codes less 128. */
function signed(graph: Graph): number {
  const { initializer } = links(graph);
  const fresh = nameAllocator(usedNames(graph));
  const made = new Map<string, string>();
  const once = (name: string, make: (tensor: Tensor) => Uint8Array): string => {
    const tensor = initializer.get(name)!;
    const known = made.get(name) ?? fresh(`${name}_signed`);
    if (!made.has(name)) graph.initializers.push(makeTensor(known, 'int8', tensor.dims, make(tensor)));
    made.set(name, known);
    return known;
  };
  let count = 0;
  for (const node of graph.nodes.filter(isGrid)) {
    const zero = initializer.get(node.inputs[2] ?? '');
    if (dtypeName(zero?.dataType) !== 'uint8' || intValues(zero!).some((z) => z !== MIDDLE)) continue;
    node.inputs[2] = once(zero!.name!, (t) => new Uint8Array(elementCount(t.dims)));
    if (initializer.has(node.inputs[0]) && isOp(node, 'DequantizeLinear'))
      node.inputs[0] = once(node.inputs[0], (t) => tensorBytes(t).map((code) => code ^ MIDDLE));
    count++;
  }
  return count;
}

/** DQ of 32 bits: the floats that it makes. */
function floatBiases(graph: Graph): number {
  const { initializer } = links(graph);
  const gone = new Set<Node>();
  for (const node of graph.nodes.filter((n) => isOp(n, 'DequantizeLinear'))) {
    const [codes, scale] = node.inputs.map((name) => initializer.get(name));
    if (!codes || !scale || dtypeName(codes.dataType) !== 'int32') continue;
    const scales = floatValues(scale);
    const values = intValues(codes).map(
      (code, i) => code * scales[scales.length === 1 ? 0 : i % scales.length],
    );
    graph.initializers.push(floatTensor(node.outputs[0], codes.dims, values));
    gone.add(node);
  }
  graph.nodes = graph.nodes.filter((n) => !gone.has(n));
  return gone.size;
}

/** Where an axis is missing ONNX means 1, and the parser takes 0. */
function writeAxes(graph: Graph): number {
  const { initializer } = links(graph);
  const bare = graph.nodes.filter(
    (n) => isGrid(n) && !attribute(n, 'axis') && elementCount(initializer.get(n.inputs[1])?.dims ?? []) > 1,
  );
  for (const node of bare) setAttribute(node, makeAttribute.int('axis', 1));
  return bare.length;
}
