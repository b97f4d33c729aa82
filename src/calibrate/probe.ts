import { attribute, isOp, links, makeAttribute, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Attribute, Model, Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues } from '../ir/tensor.js';
import type { ValueMeta } from '../runtime/types.js';
import { withOutputs } from './augment.js';

/**
 * A shortcut past handing whole activations out. onnxruntime computes convolutions in a blocked layout, so a map that
 * leaves the graph is reordered first: 28 MB of writes an image for MobileNetV2, as much time as the network itself.
 * The graph looks at it instead. Of a map that cannot be negative (ReLU, Clip from 0) a global maximum, which works on
 * blocks, gives the exact upper end, zero is the lower one, and a 1×1 pooling with a stride picks the rows and columns
 * whose values stand for the rest in the histogram. Where only ranges are wanted, other values are reduced to their
 * two extremes.
 */
export interface Probe {
  tensor: string;
  /** Names of the added outputs. */
  max: string;
  /** Absent when zero is the lower end. */
  min?: string;
  /** Absent when only ranges are wanted. */
  some?: string;
  /** Every stride-th row and column goes into the histogram. */
  stride: number;
  /** Values of the whole tensor. */
  count: number;
  /** Bytes of the added outputs at most. */
  bytes: number;
}

/** Values of one sample that the histogram of a map comes from at least: a hundred samples give close to a million. */
const KEPT_VALUES = 8192;
/** Rows and columns that are left of a map at least. */
const KEPT_SIDE = 4;

/** The largest stride that leaves enough of a map; below 2 a map is handed out whole. */
function strideOf(count: number, side: number): number {
  return Math.floor(Math.min(side / KEPT_SIDE, Math.sqrt(count / KEPT_VALUES)));
}

/**
 * Operators that make NaN of finite values only by way of an infinity, which the extremes show. Behind others (Div,
 * Log, Sqrt, Pow, …) a NaN could hide from a maximum, so there tensors are looked at whole.
 */
const TAME = [
  ...[
    'Conv',
    'ConvTranspose',
    'Gemm',
    'MatMul',
    'Add',
    'Sub',
    'Mul',
    'Neg',
    'Abs',
    'Relu',
    'LeakyRelu',
    'PRelu',
  ],
  ...['Clip', 'Sigmoid', 'Tanh', 'HardSigmoid', 'HardSwish', 'MaxPool', 'AveragePool', 'GlobalMaxPool'],
  ...['GlobalAveragePool', 'Concat', 'Split', 'Slice', 'Pad', 'Resize', 'Reshape', 'Flatten', 'Transpose'],
  ...['Squeeze', 'Unsqueeze', 'Expand', 'Tile', 'Identity', 'DepthToSpace', 'SpaceToDepth', 'ReduceMean'],
] as const;

/** Values that cannot hold a NaN unless an observed input does or an extreme is infinite. */
function tameValues(model: Model, observed: readonly string[]): Set<string> {
  const inputs = new Set(model.graph.inputs.map((input) => input.name));
  const tame = new Set([...model.graph.initializers.map((t) => t.name ?? ''), '']);
  for (const name of observed) if (inputs.has(name)) tame.add(name);
  for (const node of model.graph.nodes)
    if (isOp(node, ...TAME) && node.inputs.every((name) => tame.has(name)))
      for (const output of node.outputs) tame.add(output);
  return tame;
}

/**
 * The probes that pay, for float32 values whose shape is known.
 * @param types types and shapes by value name, with the sizes that samples have
 */
export function planProbes(
  model: Model,
  tensors: readonly string[],
  types: ReadonlyMap<string, ValueMeta>,
  mode: 'range' | 'histogram',
): Probe[] {
  const { producer, initializer } = links(model.graph);
  const fresh = nameAllocator(usedNames(model.graph));
  const tame = tameValues(model, tensors);
  return tensors.flatMap((tensor): Probe[] => {
    const { dtype, dims = [] } = types.get(tensor) ?? {};
    const sizes = dims.filter((d): d is number => typeof d === 'number' && d > 0);
    const known = dtype === 'float32' && dims.length > 0 && sizes.length === dims.length;
    if (!known || !tame.has(tensor) || !producer.has(tensor)) return [];
    const count = elementCount(sizes);
    const fromZero = sizes.length === 4 && startsAtZero(producer.get(tensor), initializer);
    const stride = fromZero ? strideOf(count, Math.min(...sizes.slice(2))) : 1;
    if (mode === 'histogram' && stride < 2) return [];
    return [
      {
        tensor,
        max: fresh(`${tensor}_max`),
        ...(!fromZero && { min: fresh(`${tensor}_min`) }),
        ...(mode === 'histogram' && { some: fresh(`${tensor}_some`) }),
        stride,
        count,
        bytes: 4 * (fromZero ? sizes[0] * sizes[1] : 2) + (mode === 'histogram' ? (4 * count) / stride : 0),
      },
    ];
  });
}

function startsAtZero(node: Node | undefined, initializer: Map<string, Tensor>): boolean {
  if (!isOp(node, 'Relu', 'Clip')) return false;
  if (node.opType === 'Relu') return true;
  const low = attribute(node, 'min')?.f;
  if (low !== undefined) return low === 0;
  const constant = initializer.get(node.inputs[1] ?? '');
  return constant !== undefined && floatValues(constant)[0] === 0;
}

/** The model with `whole` and the outputs of `probes` as its outputs. */
export function withProbes(model: Model, whole: readonly string[], probes: readonly Probe[]): Model {
  const copy = withOutputs(model, [...whole, ...probes.map((p) => p.tensor)]);
  const { graph } = copy;
  graph.outputs = graph.outputs.slice(0, whole.length);
  const add = (opType: string, tensor: string, output: string, attributes: Attribute[] = []) => {
    graph.nodes.push(makeNode(opType, [tensor], [output], attributes));
    graph.outputs.push({ name: output });
  };
  const scalar = [makeAttribute.int('keepdims', 0)];
  for (const { tensor, max, min, some, stride } of probes) {
    if (min === undefined) add('GlobalMaxPool', tensor, max);
    else add('ReduceMax', tensor, max, scalar);
    if (min !== undefined) add('ReduceMin', tensor, min, scalar);
    const pick = [
      makeAttribute.ints('kernel_shape', [1, 1]),
      makeAttribute.ints('strides', [stride, stride]),
    ];
    if (some !== undefined) add('MaxPool', tensor, some, pick);
  }
  return copy;
}
