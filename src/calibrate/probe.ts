import { attribute, isOp, links, makeAttribute, makeNode, nameAllocator, usedNames } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { floatValues } from '../ir/tensor.js';
import type { ValueMeta } from '../runtime/types.js';
import { withOutputs } from './augment.js';

/**
 * A shortcut for large maps that cannot be negative (ReLU, and Clip from 0). onnxruntime computes convolutions in a
 * blocked layout, and handing a whole map out costs a reordering, 28 MB of writes an image for MobileNetV2, as much
 * time as the network itself. Pooling works on blocks, so it looks at the map where it lies: a global maximum gives
 * its exact upper end, zero is its lower one, and a 1×1 pooling with a stride picks the rows and columns whose values
 * stand for the rest in the histogram.
 */
export interface Probe {
  tensor: string;
  /** Names of the added outputs. */
  max: string;
  /** Absent when only ranges are wanted. */
  some?: string;
  /** Every stride-th row and column goes into the histogram. */
  stride: number;
  /** Values of the whole map. */
  count: number;
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
 * The probes that pay, for maps whose type and shape (N×C×H×W, float32) are known.
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
  return tensors.flatMap((tensor) => {
    const { dtype, dims = [] } = types.get(tensor) ?? {};
    const sizes = dims.filter((d): d is number => typeof d === 'number' && d > 0);
    const count = sizes.reduce((n, d) => n * d, 1);
    const stride = strideOf(count, Math.min(...sizes.slice(2)));
    const known = dtype === 'float32' && dims.length === 4 && sizes.length === 4;
    if (!known || stride < 2 || !startsAtZero(producer.get(tensor), initializer)) return [];
    const some = mode === 'histogram' ? { some: fresh(`${tensor}_some`) } : {};
    return [{ tensor, max: fresh(`${tensor}_max`), ...some, stride, count }];
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
  for (const { tensor, max, some, stride } of probes) {
    graph.nodes.push(makeNode('GlobalMaxPool', [tensor], [max]));
    graph.outputs.push({ name: max });
    if (some === undefined) continue;
    const pick = [
      makeAttribute.ints('kernel_shape', [1, 1]),
      makeAttribute.ints('strides', [stride, stride]),
    ];
    graph.nodes.push(makeNode('MaxPool', [tensor], [some], pick));
    graph.outputs.push({ name: some });
  }
  return copy;
}
