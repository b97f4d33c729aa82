import { findFormat } from '../../kernels/formats.js';
import { elementOf } from '../../kernels/grid.js';
import { invalidError, type Location } from '../errors.js';
import { allGraphs, allNodes } from '../ir/graph.js';
import type { Model, Node, Tensor } from '../ir/model.js';
import { elementCount } from '../ir/tensor.js';
import { formOf } from './form.js';
import type { ActivationPlan, BiasPlan, Plan, WeightPlan } from './types.js';

/** Wider formats are accumulators': no Q/DQ pair takes them. */
const MOST_BITS = 16;

/** What the plan speaks of: the prepared model's nodes, constants and values by name. */
interface Names {
  nodes: Map<string, Node>;
  constants: Map<string, Tensor>;
  values: Set<string>;
}

/** PLAN_MISFIT (invalid): the plan says what the model cannot do. */
export const planMisfit = (message: string, where: Location) =>
  invalidError('PLAN_MISFIT', `the plan does not fit the model: ${message}`, {
    where,
    hint: 'mend the entry, or make the plan anew with `quantize plan`',
  });

/**
 * Holds a plan, which a person may have edited, against the prepared model that it is about to be applied to: all
 * it names must be there, and read as it says. An entry that met nothing would otherwise be ignored in silence.
 * @throws QuantizeError PLAN_MISFIT (invalid) naming the entry
 */
export function checkPlan(plan: Plan, model: Model, file?: string): void {
  const names = namesOf(model);
  const fail = (message: string, where: Location) => {
    throw planMisfit(message, { file, ...where });
  };
  for (const { tensor, ...a } of plan.activations) {
    const wrong = wrongActivation({ tensor, ...a }, names);
    if (wrong) fail(wrong, { tensor });
  }
  for (const weight of plan.weights) {
    const wrong = wrongWeight(weight, names);
    if (wrong) fail(wrong, { tensor: weight.tensor });
  }
  for (const bias of plan.biases) {
    const wrong = wrongBias(bias, plan, names);
    if (wrong) fail(wrong, { node: bias.node, tensor: bias.tensor });
  }
  for (const { node, opType } of [...plan.integer, ...plan.dynamic, ...plan.float])
    if (names.nodes.get(node)?.opType !== opType) fail(`there is no ${opType} "${node}"`, { node });
}

function namesOf({ graph }: Model): Names {
  const constants = [...allGraphs(graph)].flatMap((g) => g.initializers);
  return {
    nodes: new Map([...allNodes(graph)].map((n) => [n.name ?? '', n])),
    constants: new Map(constants.map((t) => [t.name ?? '', t])),
    values: new Set([...graph.inputs.map((v) => v.name), ...graph.nodes.flatMap((n) => n.outputs)]),
  };
}

function wrongActivation({ tensor, format, zeroPoint }: ActivationPlan, names: Names): string | undefined {
  const row = findFormat(format)!;
  if (!names.values.has(tensor)) return `there is no value "${tensor}" to quantize`;
  if (row.bits > MOST_BITS) return `"${tensor}" cannot be stored as ${format}`;
  if (zeroPoint < row.qmin || zeroPoint > row.qmax)
    return `the zero point ${zeroPoint} of "${tensor}" is none of ${format}'s codes ${row.qmin}…${row.qmax}`;
  return undefined;
}

function wrongWeight(plan: WeightPlan, names: Names): string | undefined {
  const { tensor, axis, granularity, uses } = plan;
  const constant = names.constants.get(tensor);
  if (!constant) return `there is no constant "${tensor}"`;
  const dims = plan.view ?? constant.dims;
  if (elementCount(dims) !== elementCount(constant.dims))
    return `"${tensor}" has ${elementCount(constant.dims)} values, not ${dims.join('×')}`;
  if (axis !== undefined && (axis < 0 || axis >= dims.length))
    return `"${tensor}" has ${dims.length} axes, none is ${axis}`;
  if ((axis === undefined) !== (granularity.kind === 'perlayer' || granularity.kind === 'none'))
    return `"${tensor}" is ${granularity.kind} ${axis === undefined ? 'without an axis' : `with axis ${axis}`}`;
  const form = wrongForm(plan);
  if (form) return form;
  const astray = uses.find(({ node, input }) => names.nodes.get(node)?.inputs[input] !== tensor);
  return astray && `node "${astray.node}" does not read "${tensor}" as input ${astray.input}`;
}

/**
 * A format has one form in each encoding, of two bits another one beside activations; a matrix of blocks may also go into
 * MatMulNBits.
 */
function wrongForm({ tensor, format, form, granularity }: WeightPlan): string | undefined {
  const row = elementOf(format);
  if (row.kind === 'integer' && row.bits > MOST_BITS) return `"${tensor}" cannot be stored as ${format}`;
  const possible = [formOf(format, 'exec'), formOf(format, 'exec', true), formOf(format, 'spec')];
  if (form === 'matmulnbits' && row.kind === 'integer' && granularity.kind === 'block') return undefined;
  return possible.includes(form) ? undefined : `"${tensor}" in ${format} has no form ${form}`;
}

function wrongBias(bias: BiasPlan, plan: Plan, names: Names): string | undefined {
  const inputs = names.nodes.get(bias.node)?.inputs;
  if (inputs?.[bias.input] !== bias.tensor || !names.constants.has(bias.tensor))
    return `node "${bias.node}" does not read a constant "${bias.tensor}" as input ${bias.input}`;
  const weight = plan.weights.find((w) => w.tensor === bias.weight && !w.weightOnly);
  if (!weight?.uses.some((u) => u.node === bias.node))
    return `the bias of "${bias.node}" rests on the weight "${bias.weight}", which that node does not read in integers`;
  if (!inputs.includes(bias.activation) || !plan.activations.some((a) => a.tensor === bias.activation))
    return `the bias of "${bias.node}" rests on "${bias.activation}", which that node does not read in integers`;
  return undefined;
}
