import { findFormat } from '../../kernels/formats.js';
import type { Target } from '../../targets/types.js';
import { dtypeBits } from '../ir/dtypes.js';
import { isOp, links } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import type { Plan } from '../plan/types.js';
import { macRule } from './macs.js';
import type { Shapes } from './shapes.js';

/** In what each node computes and each value travels on the target. Names are roots (see kernels.ts). */
export interface Placement {
  /** Format id: "int8", "float16", … */
  computes(node: Node): string;
  /** Bits of one element of an activation between kernels. */
  activationBits(name: string): number;
  /** Bytes that a kernel reads of an initializer: codes with their scales, or the chip's float format. */
  constantBytes(name: string): number;
}

/** The chip's float format for floats and for codes of parameters, its own type for the rest (indices, masks). */
function nativeBits(name: string, shapes: Shapes, target: Target, parameters: ReadonlySet<string>): number {
  const dtype = shapes.dtype(name);
  const isFloat = dtype === undefined || dtype === 'float32' || dtype === 'float64';
  return isFloat || parameters.has(name) ? dtypeBits(target.floatFormat) : shapes.bits(name);
}

/** The float model on the target: everything in the chip's float format. */
export function floatPlacement(shapes: Shapes, target: Target, parameters: ReadonlySet<string>): Placement {
  const bits = (name: string) => nativeBits(name, shapes, target, parameters);
  return {
    computes: () => target.floatFormat,
    activationBits: bits,
    constantBytes: (name) => (shapes.count(name) * bits(name)) / 8,
  };
}

/** The format whose rate the target's tables give: unsigned codes run at the signed rate. */
const rateFormat = (id: string): string => id.replace(/^uint/, 'int');

/** The planned model: what the plan says, in the format of a node's weight or else of its activations. */
export function planPlacement(
  plan: Plan,
  shapes: Shapes,
  target: Target,
  parameters: ReadonlySet<string>,
): Placement {
  const native = floatPlacement(shapes, target, parameters);
  const activations = new Map(plan.activations.map((a) => [a.tensor, a.format]));
  const weightOf = new Map(plan.weights.flatMap((w) => w.uses.map((use) => [use.node, w.format] as const)));
  const integer = new Set(plan.integer.map((i) => i.node));
  const stored = plannedBytes(plan, shapes);
  return {
    computes(node) {
      const name = node.name ?? '';
      if (!integer.has(name)) return target.floatFormat;
      const format =
        weightOf.get(name) ?? node.inputs.map((i) => activations.get(i)).find((f) => f !== undefined);
      return rateFormat(format ?? target.activations.format);
    },
    activationBits(name) {
      const format = activations.get(name);
      return format === undefined ? native.activationBits(name) : bitsOf(format);
    },
    constantBytes: (name) => stored(name) ?? native.constantBytes(name),
  };
}

const bitsOf = (format: string): number => findFormat(format)?.bits ?? 32;

/** Bytes of an initializer that the plan stores in another form: codes with their scales, int32 biases. */
export function plannedBytes(plan: Plan, shapes: Shapes): (name: string) => number | undefined {
  const weights = new Map(plan.weights.map((w) => [w.tensor, w]));
  const biases = new Set(plan.biases.map((b) => b.tensor));
  return (name) => {
    const weight = weights.get(name);
    if (weight)
      return Math.ceil((shapes.count(name) * bitsOf(weight.format)) / 8) + scaleBytes(weight, shapes);
    return biases.has(name) ? 4 * shapes.count(name) : undefined;
  };
}

const runsInteger = (target: Target, node: Node): boolean =>
  target.integerOperators.includes('*') || isOp(node, ...target.integerOperators);

/** Bytes of a weight's float32 scales, and of its zero points where it has any. */
export function scaleBytes(weight: Plan['weights'][number], shapes: Shapes): number {
  const { granularity, axis = 0 } = weight;
  const dims = shapes.dims(weight.tensor) ?? [];
  const along = dims[axis] ?? 1;
  const scales =
    granularity.kind === 'perlayer'
      ? 1
      : granularity.kind === 'perchannel'
        ? along
        : (shapes.count(weight.tensor) / Math.max(1, along)) * Math.ceil(along / granularity.size);
  const zeroPoint = weight.symmetric ? 0 : (findFormat(weight.format)?.bits ?? 8) / 8;
  return scales * (4 + zeroPoint);
}

/**
 * A model that already carries Q/DQ pairs: a product whose multiplicands both come out of DequantizeLinear computes
 * in their type, an operator between DequantizeLinear and QuantizeLinear likewise.
 */
export function qdqPlacement(
  model: Model,
  shapes: Shapes,
  target: Target,
  root: (name: string) => string,
): Placement {
  const native = floatPlacement(shapes, target, new Set());
  const { producer, uses } = links(model.graph);
  const codes = new Map<string, string>();
  for (const node of model.graph.nodes)
    if (isOp(node, 'QuantizeLinear'))
      codes.set(root(node.inputs[0]), shapes.dtype(node.outputs[0]) ?? 'int8');
  const dequantized = (name: string): string | undefined => {
    const node = producer.get(name);
    return isOp(node, 'DequantizeLinear') ? shapes.dtype(node.inputs[0]) : undefined;
  };
  const quantized = (name: string): string | undefined =>
    uses.get(name)?.some((use) => isOp(use.node, 'QuantizeLinear', 'Relu', 'Clip'))
      ? codes.get(root(name))
      : undefined;
  return {
    computes(node) {
      if (!runsInteger(target, node)) return target.floatFormat;
      const rule = macRule(node);
      const first = dequantized(node.inputs[rule?.left ?? 0]);
      const second = rule ? dequantized(node.inputs[rule.right]) : quantized(node.outputs[0]);
      return first && second ? rateFormat(rule ? second : first) : target.floatFormat;
    },
    activationBits(name) {
      const format = codes.get(name);
      return format === undefined ? native.activationBits(name) : bitsOf(format);
    },
    constantBytes: native.constantBytes,
  };
}
