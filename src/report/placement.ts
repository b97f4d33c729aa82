import { findFormat } from '../../kernels/formats.js';
import { elementOf } from '../../kernels/grid.js';
import type { Target } from '../../targets/types.js';
import { dtypeBits } from '../ir/dtypes.js';
import { intAttribute, isOp, links } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import type { Plan, WeightPlan } from '../plan/types.js';
import { macRule } from './macs.js';
import type { Shapes } from './shapes.js';
import { plannedBytes } from './stored.js';

/** In what each node computes and each value travels on the target. Names are roots (see kernels.ts). */
export interface Placement {
  /** Format id: "int8", "float16", … */
  computes(node: Node): string;
  /** Bits of one element of an activation between kernels. */
  activationBits(name: string): number;
  /** Bytes that a kernel reads of an initializer: codes with their scales, or the chip's float format. */
  constantBytes(name: string): number;
  /** The codes of this initializer are decoded before they are multiplied: nothing computes in their format. */
  decodes?(name: string): boolean;
  /** The scale of this initializer changes with every value along its rows. */
  scaledByColumn?(name: string): boolean;
  /** This initializer is known when the model is opened, so that it can be laid out for a kernel. Absent: all are. */
  isFixed?(name: string): boolean;
  /** This activation's channels lie along its last axis, as integer convolutions of a library want them. */
  isChannelsLast?(name: string): boolean;
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

const RATES: Readonly<Record<string, string>> = {
  fp16: 'float16',
  bf16: 'bfloat16',
  fp8e5m2: 'fp8',
  float8e4m3fn: 'fp8',
  float8e5m2: 'fp8',
};

/** The format whose rate the target's tables give: unsigned codes run at the signed rate, both FP8 at one. */
const rateFormat = (id: string): string => RATES[id] ?? id.replace(/^uint/, 'int');

/** The planned model: what the plan says, in the wider format of a node's weight and its activations. */
export function planPlacement(
  plan: Plan,
  shapes: Shapes,
  target: Target,
  parameters: ReadonlySet<string>,
): Placement {
  const native = floatPlacement(shapes, target, parameters);
  const activations = new Map(plan.activations.map((a) => [a.tensor, a.format]));
  const weightOf = new Map(
    plan.weights.flatMap((w) => w.uses.map((use) => [use.node, [elementOf(w.format).id]] as const)),
  );
  const integer = new Set([...plan.integer, ...plan.dynamic].map((i) => i.node));
  const stored = plannedBytes(plan, shapes);
  const decoded = new Set(
    plan.weights
      .filter((w) => w.weightOnly || !target.peak[rateFormat(elementOf(w.format).id)])
      .map((w) => w.tensor),
  );
  const byColumn = new Set(plan.weights.filter((w) => isLastAxis(w, shapes)).map((w) => w.tensor));
  return {
    computes(node) {
      const name = node.name ?? '';
      if (!integer.has(name)) return target.floatFormat;
      const read = node.inputs.flatMap((i) => activations.get(i) ?? []);
      const format = rateFormat(
        widest([...(weightOf.get(name) ?? []), ...read]) ?? target.activations.format,
      );
      return target.peak[format] || target.timing === 'measured' ? format : target.floatFormat;
    },
    activationBits(name) {
      const format = activations.get(name);
      return format === undefined ? native.activationBits(name) : bitsOf(format);
    },
    constantBytes: (name) => stored(name) ?? native.constantBytes(name),
    decodes: (name) => decoded.has(name),
    scaledByColumn: (name) => byColumn.has(name),
  };
}

const isLastAxis = ({ tensor, granularity, axis }: WeightPlan, shapes: Shapes): boolean =>
  granularity.kind === 'perchannel' && axis === (shapes.dims(tensor)?.length ?? 0) - 1;

/** A product runs at the rate of its wider multiplicand; the first of equal ones, which is the weight. */
const widest = (formats: readonly string[]): string | undefined =>
  formats.reduce<string | undefined>(
    (a, b) => (a !== undefined && bitsOf(a) >= bitsOf(b) ? a : b),
    undefined,
  );

const bitsOf = (format: string): number => findFormat(format)?.bits ?? 32;

const runsInteger = (target: Target, node: Node): boolean =>
  target.integerOperators.includes('*') || isOp(node, ...target.integerOperators);

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
  const computes = (node: Node): string => {
    if (!runsInteger(target, node)) return target.floatFormat;
    const rule = macRule(node);
    const first = dequantized(node.inputs[rule?.left ?? 0]);
    const second = rule ? dequantized(node.inputs[rule.right]) : quantized(node.outputs[0]);
    return first && second ? rateFormat(rule ? second : first) : target.floatFormat;
  };
  const constants = new Set(model.graph.initializers.map((t) => t.name));
  const read = model.graph.nodes
    .filter((node) => computes(node) === target.floatFormat)
    .flatMap((n) => n.inputs);
  const decoded = new Set(
    read
      .filter(dequantized)
      .map(root)
      .filter((name) => constants.has(name)),
  );
  const byColumn = new Set(
    model.graph.nodes
      .filter((n) => isOp(n, 'DequantizeLinear') && shapes.count(n.inputs[1]) > 1)
      .filter((n) => [-1, (shapes.dims(n.inputs[0])?.length ?? 0) - 1].includes(intAttribute(n, 'axis', 1)))
      .map((n) => root(n.outputs[0])),
  );
  return {
    computes,
    activationBits(name) {
      const format = codes.get(name);
      return format === undefined ? native.activationBits(name) : bitsOf(format);
    },
    constantBytes: native.constantBytes,
    decodes: (name) => decoded.has(name),
    scaledByColumn: (name) => byColumn.has(name),
  };
}
