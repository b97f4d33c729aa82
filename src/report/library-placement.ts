import type { Target } from '../../targets/types.js';
import { isOp } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import type { Kernel, Lowering } from './kernels.js';
import { macRule } from './macs.js';
import type { Placement } from './placement.js';
import type { Shapes } from './shapes.js';

/**
 * A placement as a library of ready kernels carries it out. Integer kernels exist for what leaves in codes, for Gemm and
 * for a MatMul alone; the rest computes in float and decodes its weights in every run. Weights that may be fed anew, and
 * decoded ones, cannot be laid out beforehand.
 * @param opened as the runtime opens it: before `prepare` for the float model
 */
export function libraryPlacement(
  placement: Placement,
  lowering: Lowering,
  shapes: Shapes,
  target: Target,
  opened: Model,
): Placement {
  const isOpen = opened.graph.inputs.some((v) => v.type?.tensor?.shape?.dims.some((d) => d.param));
  const inFloat = new Set(
    lowering.kernels
      .filter((kernel) => !hasIntegerKernel(kernel, placement, shapes, isOpen))
      .flatMap((kernel) => kernel.nodes),
  );
  const carriedOut: Placement = {
    ...placement,
    computes: (node) => (inFloat.has(node) ? target.floatFormat : placement.computes(node)),
  };
  const decoded = decodedWeights(placement, inFloat, lowering, shapes, target);
  const fed = overridable(opened);
  const channelsLast = imagesInCodes(carriedOut, lowering, shapes, target);
  return {
    ...carriedOut,
    decodes: (name) => decoded.has(name),
    isFixed: (name) => !fed.has(name) && !decoded.has(name),
    isChannelsLast: (name) => channelsLast.has(name),
  };
}

/** @param isOpen sizes of inputs are not known when the model is opened */
function hasIntegerKernel(
  { anchor, constants, writes }: Kernel,
  placement: Placement,
  shapes: Shapes,
  isOpen: boolean,
): boolean {
  if (writes.every((name) => placement.activationBits(name) <= 8) || isOp(anchor, 'Gemm')) return true;
  if (!isOp(anchor, 'MatMul')) return false;
  // With a constant sum it becomes a Gemm, whose bias is integers only when its result is.
  const isSummed = constants.some((name) => !anchor.inputs.includes(name));
  const isMatrix = shapes.dims(anchor.inputs[0])?.length === 2 || !isOpen;
  return !isSummed || !isMatrix;
}

/** Codes that kernels of floats read. A product that was to be one of floats by codes has a kernel that decodes on the way. */
function decodedWeights(
  planned: Placement,
  inFloat: ReadonlySet<Node>,
  { kernels, root }: Lowering,
  shapes: Shapes,
  { floatFormat }: Target,
): Set<string> {
  const isCode = (name: string) => planned.constantBytes(name) < 4 * shapes.count(name);
  const isDecodedBefore = (node: Node): boolean => {
    const isFloat = planned.computes(node) === floatFormat;
    return macRule(node) !== undefined && (isFloat ? !isOp(node, 'MatMul', 'Gemm') : inFloat.has(node));
  };
  const nodes = kernels.flatMap((kernel) => kernel.nodes).filter(isDecodedBefore);
  return new Set(nodes.flatMap((node) => node.inputs.map(root).filter(isCode)));
}

/** Initializers that are inputs too; before IR version 4 all were, and none could be fed. */
const overridable = ({ irVersion = 4, graph }: Model): Set<string> =>
  new Set(irVersion < 4 ? [] : graph.inputs.map((v) => v.name));

/** Images that integer kernels write. */
const imagesInCodes = (
  placement: Placement,
  { kernels }: Lowering,
  shapes: Shapes,
  { floatFormat }: Target,
): Set<string> =>
  new Set(
    kernels
      .filter((kernel) => placement.computes(kernel.anchor) !== floatFormat)
      .flatMap((kernel) => kernel.writes)
      .filter((name) => shapes.dims(name)?.length === 4),
  );
