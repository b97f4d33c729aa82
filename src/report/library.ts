import type { Target } from '../../targets/types.js';
import { intsAttribute } from '../ir/graph.js';
import type { Node } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import type { Kernel } from './kernels.js';
import { isConvolution, isRecurrent, macRule, nodeProduct } from './macs.js';
import { FUSIBLE_OPERATORS } from './operators.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';

/** Seconds that a kernel of a library takes besides arithmetic, bytes and conversions of what it reads and writes. */
export function librarySeconds(kernel: Kernel, placement: Placement, shapes: Shapes, target: Target): number {
  const { library, floatFormat } = target;
  if (!library) return 0;
  const isInteger = placement.computes(kernel.anchor) !== floatFormat;
  return (
    gathering(kernel, isInteger, placement, shapes, target) +
    (isInteger ? integerElements(kernel, shapes, target) : 0) +
    relaid(kernel, isInteger, placement, shapes) * library.layout.value +
    steps(kernel, shapes, target)
  );
}

/**
 * What convolutions copy so that they become products: of floats values, of integers what a filter reads at each of its
 * positions. Integer kernels that fill the array walk over the positions instead, as depthwise ones do.
 */
function gathering(
  { anchor }: Kernel,
  isInteger: boolean,
  placement: Placement,
  shapes: Shapes,
  { library, array }: Target,
): number {
  const product = isConvolution(anchor) ? nodeProduct(anchor, shapes) : undefined;
  if (!product) return 0;
  const { count, m, n, k } = product;
  const isPlain = isPointwise(anchor, shapes);
  if (!isInteger) {
    const gathers = !isPlain && placement.isFixed?.(anchor.inputs[1]) === false;
    return gathers ? m * k * count * library!.column.value : 0;
  }
  const positions = filterPositions(anchor, shapes);
  if (count > 1 && n === 1) return m * positions * library!.walk.value;
  const fills = array && n >= array.columns.value && (k / positions) % array.depth.value === 0;
  if (fills) return isPlain ? 0 : m * positions * count * library!.walk.value;
  return m * positions * count * library!.gather.value;
}

const filterPositions = (node: Node, shapes: Shapes): number =>
  elementCount((shapes.dims(node.inputs[macRule(node)!.right]) ?? []).slice(2));

const isPointwise = (node: Node, shapes: Shapes): boolean =>
  filterPositions(node, shapes) === 1 && (intsAttribute(node, 'strides') ?? []).every((step) => step === 1);

/** Values that change their layout before this kernel: those of integer convolutions have the channels last. */
function relaid({ anchor, reads }: Kernel, isInteger: boolean, placement: Placement, shapes: Shapes): number {
  const isOdd = (name: string): boolean => {
    const last = placement.isChannelsLast?.(name) === true;
    return isInteger ? !last && isConvolution(anchor) : last;
  };
  return reads.filter(isOdd).reduce((sum, name) => sum + shapes.count(name), 0);
}

/** Element-wise nodes of integers: each is a kernel of its own, but for what rounding to codes takes in. */
function integerElements({ nodes, macs }: Kernel, shapes: Shapes, { library, overhead }: Target): number {
  const own = nodes.filter(
    (node) => Object.hasOwn(FUSIBLE_OPERATORS, node.opType) && !library!.clamps.includes(node.opType),
  );
  const values = own.reduce((sum, node) => sum + shapes.count(node.outputs[0]), 0);
  const calls = macs > 0 ? own.length : Math.max(0, own.length - 1);
  const call = (overhead?.kernel.value ?? 0) + (overhead?.integer?.value ?? 0);
  return values * library!.integerElement.value + calls * call;
}

/** A recurrent layer reads its recurrent weights in every step, and each step is a few kernels. */
function steps({ anchor }: Kernel, shapes: Shapes, { memory, overhead }: Target): number {
  if (!isRecurrent(anchor)) return 0;
  const more = (shapes.dims(anchor.inputs[0])?.[0] ?? 1) - 1;
  const directions = shapes.dims(anchor.inputs[2])?.[0] ?? 1;
  const read = (4 * shapes.count(anchor.inputs[2])) / (memory?.bandwidth.value ?? Number.POSITIVE_INFINITY);
  return more * (read + directions * (overhead?.kernel.value ?? 0));
}
