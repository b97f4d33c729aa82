import { clamp, roundHalfEven } from '../../kernels/rounding.js';
import { attribute, freeNames, isOp, subgraphs } from '../ir/graph.js';
import type { Model, Node } from '../ir/model.js';
import { topologicalSort } from '../ir/sort.js';
import { floatValues } from '../ir/tensor.js';
import { formOf } from './forms.js';
import { accumulatorSteps } from './linear.js';
import type { Form, Grid, OperandRef, OutputGrid, Step, Unit } from './types.js';
import { Views } from './views.js';

/** A quantized model as the steps of its integer path, in order. */
export interface Program {
  model: Model;
  steps: Step[];
  units: Unit[];
}

/**
 * Reads a QDQ model (ours or another tool's) as integer layers with float nodes in between: an operator with an integer
 * form whose operands are all dequantized, up to the QuantizeLinear behind it and with the Relu or Clip before that, is
 * one layer. Only what the outputs need is in the program.
 */
export function compile(model: Model): Program {
  const views = new Views(model);
  const wanted = new Set(model.graph.outputs.map((v) => v.name));
  const steps: Step[] = [];
  const { nodes } = topologicalSort(model.graph.nodes);
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    const step = unitAt(views, node) ?? floatStep(views, node);
    steps.push(step);
    for (const name of step.kind === 'unit' ? unitReads(step) : step.reads)
      if (!views.constant(name)) wanted.add(name);
  }
  steps.reverse();
  return { model, steps, units: steps.filter((s) => s.kind === 'unit') };
}

/** Values that a layer reads at run time: the codes of its operands, and what else its node is given. */
export function unitReads({ node, operands, form }: Unit): string[] {
  const data = new Set([...form.data(node), form.bias ?? -1]);
  const rest = node.inputs.filter((name, i) => name && !data.has(i));
  return [...operands.filter((o) => !o.constant).map((o) => o.name), ...rest];
}

function floatStep(views: Views, node: Node): Step {
  const captured = subgraphs(node).flatMap((graph) => [...freeNames(graph)]);
  const reads = [...node.inputs, ...captured].filter((name) => name && !views.constant(name));
  return { kind: 'float', node, reads: [...new Set(reads)] };
}

/** The layer that ends at `node`: a QuantizeLinear, or an operator that hands floats on. */
function unitAt(views: Views, node: Node): Unit | undefined {
  const own = node.outputs[0];
  if (!isOp(node, 'QuantizeLinear')) return layer(views, node, own, own);
  const grid = views.grid(node);
  if (grid?.scales.length !== 1 || grid.format.bits < 8) return undefined;
  const output: OutputGrid = { ...grid, low: grid.format.qmin, high: grid.format.qmax };
  for (let name = node.inputs[0]; ; ) {
    const producer = views.links.producer.get(name);
    const clamps = producer && isOp(producer, 'Relu', 'Clip') && tighten(views, producer, output);
    const unit = producer && layer(views, producer, name, own, output);
    if (unit || !clamps) return unit;
    name = producer.inputs[0];
  }
}

/** Takes the bounds of a Relu or Clip into the grid: clamping before rounding and after are the same. */
function tighten(views: Views, node: Node, grid: OutputGrid): boolean {
  const bounds = isOp(node, 'Relu') ? [0, Number.POSITIVE_INFINITY] : clipBounds(views, node);
  if (!bounds) return false;
  const [low, high] = bounds.map((bound) => codeOf(bound, grid));
  grid.low = Math.max(grid.low, low);
  grid.high = Math.min(grid.high, high);
  return true;
}

const codeOf = (value: number, { scales, zeroPoints, format }: Grid): number =>
  clamp(roundHalfEven(Math.fround(value / scales[0])) + zeroPoints[0], format.qmin, format.qmax);

/** Attributes up to opset 10, constant inputs after. */
function clipBounds(views: Views, node: Node): [number, number] | undefined {
  const bound = (input: number, name: string, otherwise: number): number | undefined => {
    const stated = node.inputs[input];
    if (!stated) return attribute(node, name)?.f ?? otherwise;
    const tensor = views.constant(stated);
    return tensor && floatValues(tensor)[0];
  };
  const low = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const high = bound(2, 'max', Number.POSITIVE_INFINITY);
  return low === undefined || high === undefined ? undefined : [low, high];
}

function layer(
  views: Views,
  node: Node,
  result: string,
  output: string,
  grid?: OutputGrid,
): Unit | undefined {
  const form = formOf(node);
  if (!form || (!grid && !form.floats)) return undefined;
  const operands = form.data(node).map((i) => views.operand(node.inputs[i]));
  if (!operands.every((o): o is OperandRef => o !== undefined)) return undefined;
  if (operands.every((o) => o.constant) || !form.fits(node, operands)) return undefined;
  const unit = { kind: 'unit' as const, node, result, output, operands, form, ...(grid && { grid }) };
  if (form.bias === undefined || !node.inputs[form.bias]) return unit;
  const bias = biasOf(views, node, form, operands);
  return bias && { ...unit, bias };
}

/** One value an output channel; a Gemm may add a whole matrix, which stays float. */
function biasOf(views: Views, node: Node, form: Form, operands: readonly OperandRef[]) {
  const steps = accumulatorSteps(operands[0].grid, operands[1].grid);
  const bias = views.bias(node.inputs[form.bias!], steps);
  return bias && bias.codes.length === channels(node, operands[1]) ? bias : undefined;
}

function channels(node: Node, { constant }: OperandRef): number | undefined {
  if (isOp(node, 'Conv')) return constant?.dims[0];
  const transposed = attribute(node, 'transB')?.i === 1n;
  return constant?.dims.at(transposed ? -2 : -1);
}
