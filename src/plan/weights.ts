import { findFormat } from '../../kernels/formats.js';
import { elementOf } from '../../kernels/grid.js';
import { dtypeName } from '../ir/dtypes.js';
import { allGraphs, attribute, isOp, links, subgraphs } from '../ir/graph.js';
import type { Graph, Node, Tensor } from '../ir/model.js';
import { elementCount, finiteValues } from '../ir/tensor.js';
import { type Ends, endsOf } from './ends.js';
import type { Flow, PlanInput } from './flow.js';
import { type Reduction, type WeightRule, weightRule } from './rules/index.js';
import { activationsOn } from './scheme.js';
import { forTensorrt, unsuitedStorage } from './tensorrt.js';
import type { BiasPlan, Granularity, WeightPlan } from './types.js';
import { formFor, sparsityFor } from './writing.js';

/** Stored codes of smaller constants cost more in scales and bookkeeping than they save. */
const MIN_STORED_ELEMENTS = 8;

/** Every constant that is read as a weight, one plan for each way it is read (tensor, axis, role). */
export function planWeights(flow: Flow, input: PlanInput): WeightPlan[] {
  if (input.scheme.float) return [];
  const plans = new Map<string, WeightPlan>();
  const ends = endsOf(flow, input);
  for (const node of flow.graph.nodes) {
    if (input.keepFloat.has(node.name ?? '')) continue;
    const weightOnly = !flow.integer.has(node);
    if (staysFloat(weightOnly, input)) continue;
    const why = weightOnly ? (flow.refused.get(node) ?? 'activations stay float') : undefined;
    addWeight(plans, node, flow.links.initializer, ownInput(node, ends, input), why);
    for (const inner of subgraphs(node)) addNested(plans, inner, flow.links.initializer, input);
  }
  return [...plans.values()];
}

/** TensorRT computes what is not in 8 bits from float weights: stored codes would only cost it a kernel. */
function staysFloat(weightOnly: boolean, input: PlanInput): boolean {
  return weightOnly && forTensorrt(input) && activationsOn(input.scheme, input.target) !== 'none';
}

/** The scheme of one node's weights: a format of its own, that of the network's ends, or the scheme. */
function ownInput(node: Node, ends: Ends | undefined, input: PlanInput): PlanInput & { note?: string } {
  const own = input.formats?.get(node.name ?? '');
  if (own) {
    const { weights, granularity, reason } = own;
    return { ...input, scheme: { ...input.scheme, weights, granularity }, note: reason };
  }
  return ends?.nodes.has(node) ? { ...input, scheme: ends.scheme, note: ends.reason } : input;
}

/** Weights read inside If, Loop and Scan bodies, whether they live there or outside. */
function addNested(
  plans: Map<string, WeightPlan>,
  graph: Graph,
  outer: Map<string, Tensor>,
  input: PlanInput,
): void {
  const scope = new Map([...outer, ...links(graph).initializer]);
  for (const node of graph.nodes) {
    if (input.keepFloat.has(node.name ?? '')) continue;
    addWeight(plans, node, scope, input, 'inside a control-flow body');
    for (const inner of subgraphs(node)) addNested(plans, inner, scope, input);
  }
}

function addWeight(
  plans: Map<string, WeightPlan>,
  node: Node,
  constants: Map<string, Tensor>,
  input: PlanInput & { note?: string },
  storedOnly: string | undefined,
): void {
  const rule = weightRule(node);
  const least = storedOnly === undefined ? 1 : MIN_STORED_ELEMENTS;
  const found =
    rule?.weights?.filter((w) => {
      const tensor = constants.get(node.inputs[w.input]);
      return isWeight(tensor, least) && !(forTensorrt(input) && unsuitedStorage(node, tensor, input.scheme));
    }) ?? [];
  const roles = rule?.kind === 'weightOnly' ? found : found.slice(0, 1);
  for (const role of roles) {
    const plan = weightPlan(node, role, constants.get(node.inputs[role.input])!, input, storedOnly);
    const key = JSON.stringify([plan.tensor, plan.axis ?? null, plan.weightOnly]);
    const existing = plans.get(key);
    if (existing) existing.uses.push(...plan.uses);
    else plans.set(key, plan);
  }
}

function weightPlan(
  node: Node,
  role: WeightRule,
  tensor: Tensor,
  input: PlanInput & { note?: string },
  storedOnly: string | undefined,
): WeightPlan {
  const { scheme, target, writing = {} } = input;
  const layout = layoutOf(node, role, tensor, scheme.granularity, storedOnly === undefined);
  const weightOnlyScheme = activationsOn(scheme, target) === 'none';
  const form = formFor(node, role, tensor, input, storedOnly === undefined);
  const sparsity = sparsityFor(node, role, tensor, writing.sparsity);
  const why = [
    layout.reason,
    ...(input.note ? [input.note] : []),
    ...(storedOnly ? [`stored only: ${storedOnly}`] : []),
    ...notes(form, sparsity),
  ];
  return {
    tensor: tensor.name ?? '',
    uses: [{ node: node.name ?? '', input: role.input }],
    format: scheme.weights,
    granularity: layout.granularity,
    axis: layout.axis,
    ...(layout.view && { view: layout.view }),
    // A product in integers wants no zero point of the weights: it would cost a sum of activations at run time.
    symmetric: elementOf(scheme.weights).signed || !weightOnlyScheme,
    form: form.form,
    ...(writing.rounding === 'stochastic' && { rounding: writing.rounding }),
    ...(sparsity.sparsity !== undefined && { sparsity: sparsity.sparsity }),
    ...(writing.scaleRule && { scaleRule: writing.scaleRule }),
    weightOnly: storedOnly !== undefined,
    reason: why.join('; '),
  };
}

const notes = (...found: { note?: string }[]): string[] => found.flatMap(({ note }) => note ?? []);

interface Layout extends Pick<WeightPlan, 'granularity' | 'axis' | 'view'> {
  reason: string;
}

/** What a product sums over. A vector is a row of one: onnxruntime takes its scales for a tensor's, which has no blocks. */
const reductionOf = (node: Node, role: WeightRule, tensor: Tensor): Reduction =>
  tensor.dims.length === 1 ? { axis: 1, view: [1, ...tensor.dims] } : role.reduction(node, tensor);

/** Several matrices in one constant, each multiplied with its own part of the activation. */
const isStack = (node: Node, { dims }: Tensor): boolean => isOp(node, 'MatMul') && dims.length > 2;

/** How the values of a weight share scales, and why so. */
function layoutOf(
  node: Node,
  role: WeightRule,
  tensor: Tensor,
  granularity: Granularity,
  multiplied: boolean,
): Layout {
  if (granularity.kind === 'none') return { granularity, reason: 'a cast: no scale' };
  if (granularity.kind === 'block') {
    const { axis, view } = reductionOf(node, role, tensor);
    const along = view ? 'the values of an output channel' : `axis ${axis}`;
    return { granularity, axis, view, reason: `one scale for ${granularity.size} values along ${along}` };
  }
  const channel =
    granularity.kind === 'perlayer'
      ? { perLayer: 'the scheme asks for one scale a tensor' }
      : multiplied && isStack(node, tensor)
        ? { perLayer: 'onnxruntime multiplies stacked matrices of integers with one scale only' }
        : role.channelAxis(node, tensor);
  return typeof channel === 'number'
    ? { granularity, axis: channel, reason: `one scale an index of axis ${channel}` }
    : { granularity: { kind: 'perlayer' }, reason: `one scale: ${channel.perLayer}` };
}

const isWeight = (tensor: Tensor | undefined, least: number): tensor is Tensor =>
  tensor !== undefined && dtypeName(tensor.dataType) === 'float32' && elementCount(tensor.dims) >= least;

/** Biases of nodes that compute in integers: int32 on the accumulator's own grid. */
export function planBiases(flow: Flow, weights: WeightPlan[], { scheme, target }: PlanInput): BiasPlan[] {
  if (findFormat(activationsOn(scheme, target))?.kind !== 'integer') return [];
  const weightOf = new Map(
    weights.filter(accumulates).flatMap((w) => w.uses.map((u) => [u.node, { w, u }] as const)),
  );
  const plans: BiasPlan[] = [];
  for (const node of flow.integer) {
    const bias = weightRule(node)?.bias;
    const weight = weightOf.get(node.name ?? '');
    const tensor = bias && flow.links.initializer.get(node.inputs[bias.input]);
    if (!bias || !weight || !tensor || weight.u.input !== 1 || !bias.when(node)) continue;
    if (dtypeName(tensor.dataType) !== 'float32' || !isRowOf(node, tensor, flow)) continue;
    plans.push({
      node: node.name ?? '',
      input: bias.input,
      tensor: tensor.name ?? '',
      activation: node.inputs[0],
      weight: weight.w.tensor,
      reason: 'int32 on the grid of the accumulator: scale(activation) · scale(weight)',
    });
  }
  return plans;
}

/** Products of the weight add up on one grid a channel: integers, and no scale changes on the way. */
const accumulates = ({ weightOnly, format, granularity }: WeightPlan): boolean =>
  !weightOnly && granularity.kind !== 'block' && elementOf(format).kind === 'integer';

/** The bias is one value an output channel: [C], not a scalar or a full matrix (possible in Gemm). */
function isRowOf(node: Node, bias: Tensor, flow: Flow): boolean {
  const weight = flow.links.initializer.get(node.inputs[1])!;
  const transB = attribute(node, 'transB')?.i === 1n;
  const channels = isOp(node, 'Gemm') ? weight.dims[transB ? 0 : 1] : outputChannels(node, weight);
  return bias.dims.length === 1 && bias.dims[0] === channels;
}

const outputChannels = (node: Node, weight: Tensor): number =>
  isOp(node, 'ConvTranspose') ? weight.dims[1] * Number(attribute(node, 'group')?.i ?? 1n) : weight.dims[0];

/**
 * Looks at every constant that will be quantized before any sample is run: a NaN in one makes all behind it NaN, and
 * calibration would blame the sample.
 * @throws QuantizeError WEIGHT_NOT_FINITE (invalid) naming the constant
 */
export function checkWeights(flow: Flow, input: PlanInput): void {
  const constants = new Map(
    [...allGraphs(flow.graph)].flatMap((g) => g.initializers).map((t) => [t.name ?? '', t]),
  );
  const weights = planWeights(flow, input);
  const names = [...weights, ...planBiases(flow, weights, input)].map((p) => p.tensor);
  for (const name of new Set(names)) finiteValues(constants.get(name)!);
}
