import type { Target } from '../../targets/types.js';
import type { Node } from '../ir/model.js';
import type { Kernel } from './kernels.js';
import { isConvolution, macRule, nodeMacs, nodeProduct, outputChannels, type Product } from './macs.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';

/** Seconds of a kernel's arithmetic, and the share of the array that its MACs fill (1 where nothing is known of it). */
export interface Compute {
  seconds: number;
  utilisation: number;
}

/**
 * Products on the array at its reached rate, padded to whole tiles and whole rounds of `units` tiles; element-wise work
 * on the vector units, which run beside it, and so are products that are done sooner there (depthwise, one row).
 */
export function computeOf(
  kernel: Kernel,
  placement: Placement,
  root: (name: string) => string,
  shapes: Shapes,
  target: Target,
): Compute {
  const format = placement.computes(kernel.anchor);
  const vectorRate = target.vector?.value ?? rate(kernel.anchor, format, target);
  const reachedOnVector = vectorRate * (target.vectorUtilisation?.[format]?.value ?? 1);
  let [array, vector, padded] = [0, kernel.operations / vectorRate, 0];
  for (const { node, macs, product } of products(kernel, shapes)) {
    const isLaidOut = format !== target.floatFormat || placement.isFixed?.(node.inputs[1]) !== false;
    const share = isLaidOut ? filled(node, macs, product, shapes, target) : 1;
    const onArray = (2 * macs) / share / rate(node, format, target);
    const onVector = target.vector ? (2 * macs) / reachedOnVector : Number.POSITIVE_INFINITY;
    const decoded = decoding(node, product, placement, root, shapes, target) / vectorRate;
    if (target.library && isConvolution(node) ? isDepthwise(product) : onVector < onArray)
      vector += onVector + decoded;
    else {
      array += onArray + decoded;
      padded += macs / share;
    }
  }
  if (target.requantize && kernel.macs > 0 && format !== target.floatFormat)
    array += (target.requantize.value * written(kernel, shapes)) / vectorRate;
  return {
    seconds: target.vector ? Math.max(array, vector) : array + vector,
    utilisation: padded > 0 ? Math.min(1, kernel.macs / padded) : 1,
  };
}

/** One filter a group: a library has a kernel of its own for them, and for them only. */
const isDepthwise = (product: Product | undefined): boolean =>
  product !== undefined && product.count > 1 && product.n === 1;

/** Rows of activations that share a decoded weight: the largest tiles of the libraries. */
const SHARING_ROWS = 128;

/**
 * Operations that turn stored codes into what is multiplied; they stand between the array and its operands. Where
 * conversions are kernels of their own, a weight is decoded once, else for each row of tiles.
 */
function decoding(
  node: Node,
  product: Product | undefined,
  placement: Placement,
  root: (name: string) => string,
  shapes: Shapes,
  { decode, convert, array, library, vector }: Target,
): number {
  const each = (convert ?? decode)?.value ?? 0;
  const weights = node.inputs.filter((_, i) => i !== macRule(node)?.left).map(root);
  const codes = weights.filter((name) => placement.decodes?.(name));
  const cost = (name: string): number =>
    library && vector && placement.scaledByColumn?.(name) ? library.decodeRow.value * vector.value : each;
  const all = codes.reduce((sum, name) => sum + cost(name) * shapes.count(name), 0);
  const once = convert !== undefined || !array || !product;
  return all * (once ? 1 : Math.ceil(product.m / Math.max(array.rows.value, SHARING_ROWS)));
}

const written = (kernel: Kernel, shapes: Shapes): number =>
  kernel.writes.reduce((sum, name) => sum + shapes.count(name), 0);

interface Part {
  node: Node;
  macs: number;
  product?: Product;
}

/** The products of a kernel. Those that share their left operand are one, as wide as all of them. */
function products(kernel: Kernel, shapes: Shapes): Part[] {
  const parts = new Map<string, Part>();
  for (const node of kernel.nodes) {
    const rule = macRule(node);
    if (!rule) continue;
    const part = { node, macs: nodeMacs(node, shapes), product: nodeProduct(node, shapes) };
    const before = parts.get(node.inputs[rule.left]);
    if (before) {
      before.macs += part.macs;
      if (before.product) before.product.n += part.product?.n ?? 0;
    } else parts.set(node.inputs[rule.left], part);
  }
  return [...parts.values()];
}

/** Operations a second that full tiles reach. */
function rate(node: Node, format: string, target: Target): number {
  const known = target.peak[format] ? format : target.floatFormat;
  const shares = isConvolution(node)
    ? { ...target.utilisation, ...target.convUtilisation }
    : target.utilisation;
  return target.peak[known].value * shares[known].value;
}

/** Share of what the array computes that is wanted. */
function filled(
  node: Node,
  macs: number,
  product: Product | undefined,
  shapes: Shapes,
  target: Target,
): number {
  const lanes = target.outputLanes?.value;
  const passes = lanes ? Math.min(1, outputChannels(node, shapes) / lanes) : 1;
  if (!target.array || !product) return passes;
  const { rows, columns, depth, units } = target.array;
  const tiles = product.count * Math.ceil(product.m / rows.value) * Math.ceil(product.n / columns.value);
  const rounds = units ? Math.ceil(tiles / units.value) * units.value : tiles;
  const k = Math.ceil(product.k / depth.value) * depth.value;
  return passes * Math.min(1, macs / (rounds * rows.value * columns.value * k));
}
