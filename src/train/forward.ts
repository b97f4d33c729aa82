import { elementOf } from '../../kernels/grid.js';
import { dequantize } from '../../kernels/quantize.js';
import { cloneNode, isOp } from '../ir/graph.js';
import type { Node, Tensor } from '../ir/model.js';
import { elementCount, floatValues } from '../ir/tensor.js';
import { product } from './adjoints/common.js';
import { fakeQuantize, type Rectifier } from './fake-quant.js';
import {
  type ActivationQuantizer,
  activationQuantizers,
  roundedDims,
  type Scales,
  slot,
  type WeightQuantizer,
  weightQuantizers,
} from './quantizers.js';
import { writeShare } from './soft-rounding.js';
import type { Tape } from './tape.js';
import type { Problem } from './types.js';

export interface Quantizers {
  weights: WeightQuantizer[];
  activations: ActivationQuantizer[];
}

export function quantizersOf({ model, quantized, settings }: Problem): Quantizers {
  if (!quantized) return { weights: [], activations: [] };
  const main = new Set(model.graph.nodes.map((n) => n.name));
  const weights = quantized.weights.filter((w) => w.plan.uses.some((u) => main.has(u.node)));
  return {
    weights: weightQuantizers(weights, settings.learnScales, quantized.undecided),
    activations: activationQuantizers(model, quantized.plan, settings.learnScales, quantized.arriving),
  };
}

/** Sets of scales that are trained, each once. */
export const learnedScales = ({ weights, activations }: Quantizers): Scales[] => [
  ...new Map(
    [...weights, ...activations].filter((q) => q.scales.learned).map((q) => [q.scales.key, q.scales]),
  ).values(),
];

/**
 * Writes the model's nodes, weights and activations rounded on the way. `scaleOf` names a set of scales.
 * @param soft codes that are learned may lie between two
 * @returns what says where they lie
 */
export function writeForward(
  tape: Tape,
  { model, settings }: Problem,
  quantizers: Quantizers,
  scaleOf: (scales: Scales) => string,
  { share, soft = false }: { share?: string; soft?: boolean } = {},
): string[] {
  const undecided: string[] = [];
  const views = new Map<string, string>();
  for (const q of quantizers.weights) {
    const lies = q.undecided ? writeShare(tape, q.weight.plan.tensor, soft) : undefined;
    if (lies !== undefined) undecided.push(lies);
    const scale = scaleOf(q.scales);
    const view = settings.heldCodes ? heldWeight(tape, q, scale, lies) : roundWeight(tape, q, scale, share);
    for (const { node, input } of q.weight.plan.uses) views.set(slot(node, input), view);
  }
  const rounded = new Map(quantizers.activations.map((q) => [q.plan.tensor, q]));
  const constants = new Map(model.graph.initializers.map((t) => [t.name ?? '', t]));
  const round = (name: string, maker?: Node) => {
    const q = rounded.get(name);
    if (!q) return;
    const rectifier = maker && rectifierOf(maker, constants);
    const sized = { ...q, values: elementCount(tape.dims(name)), share, rectifier };
    const view = fakeQuantize(tape, name, scaleOf(q.scales), sized);
    for (const reader of q.readers) views.set(reader, view);
  };
  for (const input of model.graph.inputs) round(input.name);
  for (const node of model.graph.nodes) {
    const copy = cloneNode(node);
    copy.inputs = node.inputs.map((input, i) => views.get(slot(node.name ?? '', i)) ?? input);
    tape.keep(copy);
    for (const output of node.outputs) round(output, copy);
  }
  return undecided;
}

/** What a node cuts off, where that is all that it does. */
function rectifierOf(node: Node, constants: ReadonlyMap<string, Tensor>): Rectifier | undefined {
  const [source, ...bounds] = node.inputs;
  if (isOp(node, 'Relu')) return { source };
  if (!isOp(node, 'Clip')) return undefined;
  const known = bounds.filter((name) => name !== '').every((name) => constants.has(name));
  const [low, ceiling] = bounds.map((name) => constants.get(name)).map((t) => t && floatValues(t)[0]);
  return known && low === 0 ? { source, ceiling } : undefined;
}

/** Values that the last block of a row has too few of. */
const lackOf = ({ weight }: WeightQuantizer): number => {
  const { values } = roundedDims(weight);
  return weight.shape.block === undefined ? 0 : values[1] * values[2] - weight.shape.channels;
};

/**
 * A weight whose code stays: s·(q − z) whatever the scale becomes; the constant itself where no scale is learned.
 * @param lies how far above its code it lies, 0…1, where that is learned
 */
function heldWeight(tape: Tape, q: WeightQuantizer, scale: string, lies?: string): string {
  const { codes, params, shape, plan, dims } = q.weight;
  if (lies === undefined && (!q.scales.learned || lackOf(q) > 0)) return plan.tensor;
  const ones = { ...params, scales: params.scales.map(() => 1) };
  const { values } = roundedDims(q.weight);
  const steps = tape.b.reals(dequantize(codes, shape, ones, elementOf(plan.format)), values);
  tape.sizes.set(steps, values);
  const all = lies === undefined ? steps : tape.op('Add', [tape.reshape(lies, values), steps], values);
  return tape.reshape(tape.op('Mul', [all, scale], values), dims);
}

/** A constant in the shape in which groups share scales, rounded, and back in its own. */
function roundWeight(tape: Tape, q: WeightQuantizer, scale: string, share?: string): string {
  const { b } = tape;
  const { plan, dims, shape } = q.weight;
  const { values } = roundedDims(q.weight);
  const { outer, channels, inner } = shape;
  const lack = lackOf(q);
  const flat = tape.reshape(plan.tensor, [outer, channels, inner]);
  const full =
    lack === 0
      ? flat
      : tape.op('Pad', [flat, b.ints([0, 0, 0, 0, lack, 0])], [outer, channels + lack, inner]);
  const sized = { ...q, values: product(values) / product(q.scales.dims), share };
  const rounded = fakeQuantize(tape, tape.reshape(full, values), scale, sized);
  if (lack === 0) return tape.reshape(rounded, dims);
  const rows = tape.reshape(rounded, [outer, channels + lack, inner]);
  const cut = [[0], [channels], [1], [1]].map((v) => b.ints(v));
  return tape.reshape(tape.op('Slice', [rows, ...cut], [outer, channels, inner]), dims);
}
